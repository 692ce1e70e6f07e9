"""Embeddings made and compared by a person: of units, images, populations.

Add a module here for what is done with another kind of embedding. What they are is `nh_platform.embeddings`.
"""
