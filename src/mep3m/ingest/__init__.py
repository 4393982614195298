"""From catalogues to a store: run, bring up to date, and try again."""
