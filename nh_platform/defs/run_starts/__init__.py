"""How the process of a run begins: forked from a warm process that has the platform imported, or as a new interpreter.

Contains the warm process and the end of it that a launcher holds. Which runs begin so is
`nh_platform.defs.run_launcher`.
"""
