"""Tests of recordings of torch_brain."""
