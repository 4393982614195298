"""What the page on which people decide about links between categories is made of."""
