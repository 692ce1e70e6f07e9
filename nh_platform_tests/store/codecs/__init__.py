"""Tests of the formats of stored files."""
