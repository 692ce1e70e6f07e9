"""Allen Visual Behavior Neuropixels: its releases, its files from a folder or the bucket, and its task.

Add here what Visual Behavior alone has. What both Allen data sets share is in the folders above and beside.
"""
