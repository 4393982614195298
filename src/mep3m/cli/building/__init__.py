"""Commands from raw exports to a dataset."""
