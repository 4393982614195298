"""Encoders from a product dataset, measured and kept as folders."""
