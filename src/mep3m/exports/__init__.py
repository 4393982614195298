"""A dataset written in the formats of others, one module a format."""
