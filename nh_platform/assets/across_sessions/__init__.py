"""Assets that are made of all sessions of a source together: one file each.

Add a module with a record `ASSET` here. No session depends on any of them, so that none goes stale because another
was made.
"""
