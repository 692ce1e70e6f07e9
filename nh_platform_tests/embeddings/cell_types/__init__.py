"""Tests of the cell types of units."""
