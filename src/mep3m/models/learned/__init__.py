"""Classes that a run learns after its training, from a few products, on vectors that stay as they are."""
