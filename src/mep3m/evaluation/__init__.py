"""Scores: metrics, calibration, metric cards, and builds against a known truth."""
