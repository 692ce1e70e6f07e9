"""Tests of the eleven tasks of BrainWideBench."""
