"""`nh qc …`: what the unit-quality rules say, what they do to units, and what reviewers decided.

Add a module per command, and list it in `rulebooks.app`. What a command decides belongs to `nh_platform.qc`.
"""
