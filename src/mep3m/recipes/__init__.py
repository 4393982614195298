"""Complete named runs: build, align a store, train and score, measure leakage."""
