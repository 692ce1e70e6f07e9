"""What releases are published to hold, and how our counts compare with it.

Add the counts of another release to the YAML files here. Nothing here reads the store.
"""
