"""Tests of nh_platform.sources.ibl."""
