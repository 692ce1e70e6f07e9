"""Tests of how the process of a run begins."""
