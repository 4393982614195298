"""Servers that `bench.serve` puts beside ours."""
