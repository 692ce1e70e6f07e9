"""What releases are published to hold, and how our counts compare with it.

The counts of a release stand in the folder of its source. Nothing here reads the store.
"""
