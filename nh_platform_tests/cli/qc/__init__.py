"""Tests of `nh_platform.cli.qc`."""
