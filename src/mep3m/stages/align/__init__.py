"""Align the categories of several platforms: propose, score, review, apply."""
