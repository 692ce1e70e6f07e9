"""Tests of `nh_platform.assets`."""
