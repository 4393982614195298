"""Who may use a desk: accounts, sessions, and the door."""
