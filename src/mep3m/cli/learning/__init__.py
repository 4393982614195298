"""Commands that train and score classifiers."""
