"""Images as bytes and as pixels: what may be taken in, and the one way to decode."""
