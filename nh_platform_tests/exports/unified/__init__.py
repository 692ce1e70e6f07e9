"""Tests of `nh_platform.exports.unified`."""
