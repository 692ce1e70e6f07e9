"""Allen Visual Coding Neuropixels: its catalogue, its files from folder, warehouse or bucket, and its pictures.

Add here what Visual Coding alone has. What both Allen data sets share is in the folders above and beside.
"""
