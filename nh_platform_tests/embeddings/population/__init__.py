"""Tests of population states."""
