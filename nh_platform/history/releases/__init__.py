"""Releases beside the one that counts: those that wait to be accepted, and those that upstream has published since.

Add here what a person decides or should know about a release. Comparing releases is
`nh_platform.history.comparison.release_diff`.
"""
