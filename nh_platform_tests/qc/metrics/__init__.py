"""Tests of the unit metrics."""
