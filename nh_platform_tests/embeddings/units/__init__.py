"""Tests of `nh_platform.embeddings.units`."""
