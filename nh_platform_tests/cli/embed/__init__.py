"""Tests of `nh embed`."""
