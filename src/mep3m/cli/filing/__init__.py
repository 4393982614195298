"""Commands that file products."""
