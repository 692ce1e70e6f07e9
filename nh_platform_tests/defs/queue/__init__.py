"""Tests of `nh_platform.defs.queue`."""
