"""The linear text classifier: n-grams of titles, their scores, the classifier itself."""
