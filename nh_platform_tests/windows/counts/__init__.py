"""Tests of `nh_platform.windows.counts`."""
