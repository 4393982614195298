"""Align the categories of several platforms: propose links, let people decide, merge, follow edits."""
