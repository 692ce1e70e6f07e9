"""Tests of `nh_platform.qc.validation`."""
