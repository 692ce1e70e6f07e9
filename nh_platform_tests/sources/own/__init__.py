"""Sources that sources.yaml declares without code."""
