"""Tests of `nh_platform.load`."""
