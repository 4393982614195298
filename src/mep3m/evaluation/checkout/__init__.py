"""How well products on checkout images are counted and found: arrays -> numbers."""
