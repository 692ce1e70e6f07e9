"""Tests of nh_platform.sources.anatomy."""
