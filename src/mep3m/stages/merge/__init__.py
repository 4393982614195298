"""From reviewed proposals to one category tree: decisions, groups, the tree's ids, rows, versions."""
