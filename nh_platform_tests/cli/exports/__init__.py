"""Tests of the commands that export."""
