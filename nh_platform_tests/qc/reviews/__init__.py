"""Tests of `nh_platform.qc.reviews`."""
