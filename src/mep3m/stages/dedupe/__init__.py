"""Duplicates: equal and near titles, equal and near images, joined into groups."""
