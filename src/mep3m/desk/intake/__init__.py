"""What comes to the people who decide: products with answers, the audit drawn, groups, control items."""
