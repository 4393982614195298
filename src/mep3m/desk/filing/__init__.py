"""What a desk shows of filing: one product that is tried, and what became of all that were filed."""
