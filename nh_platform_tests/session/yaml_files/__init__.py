"""Tests of `nh_platform.session.yaml_files`."""
