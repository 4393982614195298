"""Encoders that learn from a product dataset before they are used for something else."""
