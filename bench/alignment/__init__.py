"""Gold data, the peer script and the training of alignment."""
