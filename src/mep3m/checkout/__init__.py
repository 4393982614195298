"""Checkout: products learned from pictures of one each are counted on pictures of many."""
