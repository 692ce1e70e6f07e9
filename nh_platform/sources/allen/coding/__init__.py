"""Allen Visual Coding Neuropixels: its catalogue, its files from a folder or the warehouse, and its pictures.

Add here what Visual Coding alone has. What both Allen data sets share is in the folders above and beside.
"""
