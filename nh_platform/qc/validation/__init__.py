"""Validation of rules on simulated units whose truth is known.

Add here what judges the rules themselves. Figures are drawn in `nh_platform.reports`.
"""
