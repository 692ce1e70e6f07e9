"""Dagster only: assets, checks, partitions, automation, resources. Thin: no science here.

Add here what says that something depends on something, when it runs, and what a person sees. What a step computes
belongs to the room of that step. Importing this package defines nothing; `build.build_defs` does.
"""
