"""The page of probe insertions in the brain: a view in three dimensions and three projections, in one file.

Add here what the page shows of insertions. Where they lie is gathered by
`nh_platform.reading.searching.probe_positions`.
"""
