"""Units described: the table `unit_embeddings`, its encoders, the features of firing, the stretch they describe.

Add a module here when units are described in one more way. Public names are offered by `nh_platform.embeddings`.
"""
