"""Tests of operations that export."""
