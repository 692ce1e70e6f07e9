"""The terminal that `nh` is called from: signals and exit codes, the command line that a person typed, its width.

Add here what concerns the terminal and not one command. What a command prints stands in its module.
"""
