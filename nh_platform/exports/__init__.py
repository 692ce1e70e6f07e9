"""What leaves the platform in a layout that others read: files of whole data sets made from the stored assets.

One folder or module per layout. Add here a layout that a published tool or data set has. Nothing here knows Dagster,
an upstream format or a notebook; what is exported was made by the rooms below.
"""
