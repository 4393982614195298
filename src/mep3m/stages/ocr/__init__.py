"""Reading the text in product images (§3.1): backends, a safe process pool, cleaning, scoring."""
