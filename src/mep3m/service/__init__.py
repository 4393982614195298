"""A trained run over HTTP."""
