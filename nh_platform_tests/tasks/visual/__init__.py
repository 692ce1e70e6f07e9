"""Tests of `nh_platform.tasks.visual`."""
