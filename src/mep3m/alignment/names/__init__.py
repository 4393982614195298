"""What the names of categories say: comparable forms, concepts, kinds, and their use in titles."""
