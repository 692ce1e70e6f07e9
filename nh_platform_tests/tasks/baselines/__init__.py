"""Tests of `nh_platform.tasks.baselines`."""
