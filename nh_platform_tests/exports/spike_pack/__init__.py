"""Tests of `nh_platform.exports.spike_pack`."""
