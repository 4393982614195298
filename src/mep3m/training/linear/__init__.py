"""Fitting the linear text classifier: squared hinge, marginal likelihood, weights of names."""
