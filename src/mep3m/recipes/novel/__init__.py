"""Table 9 of the paper: what a representation is worth where new products arrive with a few pictures each."""
