"""Tests of `nh_platform.defs.embedded`."""
