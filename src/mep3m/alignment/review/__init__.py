"""What people decided about links: the review file, its log, its exchange with other tools."""
