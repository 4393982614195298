"""The index of a store: what the pages of a desk ask of a million products in a fraction of a second."""
