"""Tests of the commands that keep what is stored whole."""
