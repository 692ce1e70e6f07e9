"""Which source's own names a file follows.

Add here a source whose published NWB files have names of their own.
"""

from __future__ import annotations

IBL = "ibl"
_ALLEN = ("allen_vc", "allen_vbn")


def is_allen(source: str) -> bool:
    """Return whether the Allen Institute publishes NWB files of the source, with its own column names."""
    return source in _ALLEN


def is_ibl(source: str) -> bool:
    """Return whether IBL publishes NWB files of the source (DANDI 000409), with its own column names."""
    return source == IBL
