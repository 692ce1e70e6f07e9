"""Tests of `nh_platform.operations.tasks`."""
