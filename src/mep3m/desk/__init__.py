"""The desk: pages on which people look at a dataset and decide what no program can."""
