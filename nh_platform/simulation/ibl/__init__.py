"""Simulated IBL sessions as ALF trees with ONE tables, and what a release does to them afterwards.

Add here what an IBL release has and the simulation lacks.
"""
