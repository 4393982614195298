"""Images of products: looked at before they are decoded, found in folders and archives, stored by content."""
