"""Published counts and members of releases, and the comparison of our counts with them.

The counts of a release stand in the folder of its source. Nothing here reads the store.
"""
