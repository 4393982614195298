"""From catalogues to a store: run, bring up to date, look, and try again."""
