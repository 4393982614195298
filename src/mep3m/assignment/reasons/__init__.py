"""What an answer rests on: training products like it, how new it is, the words that carried it."""
