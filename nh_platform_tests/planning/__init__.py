"""Tests of `nh_platform.planning`."""
