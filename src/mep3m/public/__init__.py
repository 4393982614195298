"""What `import mep3m` offers to a notebook: frames and paths in, small typed results out."""
