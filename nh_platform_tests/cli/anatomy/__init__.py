"""Tests of nh_platform.cli.anatomy."""
