"""People's recorded decisions on units and intervals: files, what counts, and how far reviewers agree.

Add here what is decided by people. What a rule decides is `nh_platform.qc.rules`.
"""
