"""What a dataset looks like: the paper's statistics (section 3.3) as numbers, and chosen pictures."""
