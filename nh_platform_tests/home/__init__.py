"""Tests of `nh_platform.home`."""
