"""Tests of `nh_platform.downloads`."""
