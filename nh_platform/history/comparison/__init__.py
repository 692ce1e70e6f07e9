"""Comparison of two states of a catalogue: what a release brought, changed and withdrew, in rows and in words.

Add a kind of change here. Which states there are is `nh_platform.history.snapshots`.
"""
