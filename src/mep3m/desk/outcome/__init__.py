"""What comes of decisions: agreement, rows for training, spreadsheets, promises."""
