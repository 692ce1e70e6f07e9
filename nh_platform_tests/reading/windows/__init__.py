"""What is read of the windows of a stored session."""
