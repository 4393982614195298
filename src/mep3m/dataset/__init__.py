"""Chosen rows of a store or a table: subsets, splits, labels in the tree of a model."""
