"""Checkout images that are composed of products, with their ground truth."""
