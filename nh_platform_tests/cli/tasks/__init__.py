"""Tests of `nh_platform.cli.tasks`."""
