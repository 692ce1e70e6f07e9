"""Tests of `nh_platform.operations.side_by_side`."""
