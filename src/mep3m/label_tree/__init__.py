"""The label tree that every network, metric and probability is indexed by, and probabilities on it."""
