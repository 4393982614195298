"""Catalogues of shops: which formats there are, and how each is read into product columns."""
