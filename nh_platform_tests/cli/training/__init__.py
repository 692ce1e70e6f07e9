"""Tests of the commands about data for training."""
