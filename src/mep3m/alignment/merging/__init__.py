"""From decided links to one category tree and the label path of every shop category."""
