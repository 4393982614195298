"""Recorded changes of a category tree, and what they do to labels and models."""
