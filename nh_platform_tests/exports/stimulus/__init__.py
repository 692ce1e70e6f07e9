"""Tests of `nh_platform.exports.stimulus`."""
