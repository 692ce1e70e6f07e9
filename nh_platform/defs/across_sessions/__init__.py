"""Assets that join sessions, as Dagster sees them: those of a source, and training sets, which are of several.

Add here what Dagster must be told of another kind of asset across sessions. When they run is
`nh_platform.defs.inventory`.
"""
