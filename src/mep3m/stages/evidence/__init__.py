"""What speaks for a link between two categories, and the probability that follows from it."""
