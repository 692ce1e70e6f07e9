"""Tests of `nh_platform.operations.embedding`."""
