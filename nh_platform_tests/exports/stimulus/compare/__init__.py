"""Our stimulus files against a published copy."""
