"""One IBL session from its verified files: sorting, trials, behaviour, released metrics, positions.

Add here a further object of a session. Which files it has is said by the manifest.
"""
