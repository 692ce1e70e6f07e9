"""Tests of the encoders of images."""
