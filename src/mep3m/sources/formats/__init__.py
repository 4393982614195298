"""Sources that are no plain table: feeds, saved pages, archives of samples, folders, RPC."""
