"""The home folder: its settings, and the store, sources and rules that they lead to.

Add here what a person configures for a whole home. What a setting means to one source belongs to that source.
"""
