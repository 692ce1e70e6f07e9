"""Training sets of a home: built, held against the store and each other, locked, and made again elsewhere.

Add here what a person does with a set. What a set is stands in `nh_platform.training_sets`.
"""
