"""Rulebooks and what follows from them: verdicts with reasons, pages, methods text, differences between two.

Add here what reads, applies or explains rules. The numbers that rules are held against are `nh_platform.qc.metrics`.
"""
