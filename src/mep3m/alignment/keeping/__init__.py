"""Reviews kept in a database: many decide at once, and no decision writes the whole table."""
