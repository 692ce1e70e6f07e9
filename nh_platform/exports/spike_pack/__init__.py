"""Spikes of chosen units of many sessions as one pack of numpy files.

Add a module here for one more part of the pack. What a person asks for is `nh_platform.operations.exports.pack_export`.
"""
