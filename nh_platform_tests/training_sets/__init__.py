"""Training sets: what a recipe comes to, and what is stored, read, locked and made again of it."""
