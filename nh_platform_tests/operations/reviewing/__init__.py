"""Tests of `nh_platform.operations.reviewing`."""
