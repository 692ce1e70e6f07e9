"""Reviews across re-sorts."""
