"""Tests of nh_platform.reports.probe_page."""
