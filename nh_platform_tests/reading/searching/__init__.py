"""Tests of `nh_platform.reading`."""
