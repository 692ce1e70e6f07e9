"""`nh qc …`: what the unit-quality rules say, and what they do to units.

Add a module per command, and list it in `rulebooks.app`. What a command decides belongs to `nh_platform.qc`.
"""
