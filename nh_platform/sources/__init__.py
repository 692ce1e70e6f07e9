"""Upstream → session: one folder per dataset, and the manifest model they share.

Add a folder here for a new dataset; it implements `nh_platform.sources.source.Source`. Nothing here writes to the
store or imports Dagster.
"""
