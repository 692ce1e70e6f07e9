"""A lab's own recordings as a source of the platform, as docs/add-a-source.md describes it.

Everything that the lab adds is in this folder: the reader (`source`), the entry (`entry`) and the rulebook
(``toy-lab.yaml``). It imports `nh_platform` and is imported by nobody: an entry point names it.
"""
