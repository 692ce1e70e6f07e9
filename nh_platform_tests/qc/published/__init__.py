"""Tests of `nh_platform.qc.published`."""
