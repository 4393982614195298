"""Commands that look at a dataset or write it in another format."""
