"""What runs print. Add another form here; what of it a level lets through is set in ``dagster.yaml``."""
