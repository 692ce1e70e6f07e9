"""Tests of `nh_platform.exports.plain`."""
