"""What is true about the categories of real catalogues, written by hand; `check` proves it consistent."""
