"""Places in the brain: coordinates, regions and their names, as every source needs them.

Uses only the parts of iblatlas that need no image volume, so nothing is downloaded. Histology (tracks, alignments,
slices) must not be added: positions come from upstream or are unlocated.
"""
