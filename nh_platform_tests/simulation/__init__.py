"""Tests of nh_platform.simulation."""
