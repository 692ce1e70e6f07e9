"""Events of a stored session in the words that all sources share: named events, trials, and what lies around them.

Add here what a person says to name events, and what is computed around them. The tables themselves are read by
`nh_platform.reading.session_tables`; averaging and counting are `nh_platform.windows`.
"""
