"""`nh embed`: embeddings of units, images and populations, one module per command.

Add a command here by a module and a line in `app`. What it does is an operation.
"""
