"""Pre-trained image networks: where weights come from, and what a network expects of its pictures."""
