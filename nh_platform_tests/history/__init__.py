"""Tests of `nh_platform.history`."""
