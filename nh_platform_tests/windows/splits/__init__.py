"""Tests of `nh_platform.windows.splits`."""
