"""The evidence method: what speaks for a link, and the probability that follows from it."""
