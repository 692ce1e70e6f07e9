"""Tests of `nh_platform.exports.data_card`."""
