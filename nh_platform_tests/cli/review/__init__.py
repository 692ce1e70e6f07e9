"""Tests of `nh_platform.cli.review`."""
