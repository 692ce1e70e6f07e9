"""Tests of nh_platform.operations.anatomy."""
