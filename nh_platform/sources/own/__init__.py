"""Recordings of your own, in layouts that need no code: NWB files, Kilosort/phy folders, plain ALF trees.

A source of one of these kinds is declared in ``sources.yaml`` (docs/own-data.md). `kinds` makes its entry.
"""
