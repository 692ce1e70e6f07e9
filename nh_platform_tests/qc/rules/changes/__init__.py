"""Tests of `nh_platform.qc.rules.changes`."""
