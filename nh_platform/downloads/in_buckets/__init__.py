"""Raw files in a bucket: where they lie, and how they go there and come back."""
