"""What notebooks show of objects."""
