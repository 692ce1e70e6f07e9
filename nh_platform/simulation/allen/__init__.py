"""Simulated Allen sessions as NWB files: Visual Coding here, Visual Behavior in the folder below.

Add here what both layouts share, or Visual Coding alone has.
"""
