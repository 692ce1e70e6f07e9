"""Tests of `nh_platform.defs.run_logs`."""
