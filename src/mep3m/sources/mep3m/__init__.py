"""MEP-3M as released: its annotation file, read in pieces, and its spreadsheet of categories."""
