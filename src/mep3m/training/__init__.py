"""From labelled products to a classifier: tasks, batches, losses, the loop, models by name."""
