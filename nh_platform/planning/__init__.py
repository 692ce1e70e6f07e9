"""Planning: the version that every asset should have, whether the store holds it, and what has to run.

Add here what decides about assets without making them. What an asset is made of stands in its own file; how a run is
launched is Dagster's matter, in `nh_platform.defs`.
"""
