"""Which source's own names a file follows, and of which source the animals are known.

Add here a source whose published files have names of their own. What is assumed of all others is said once here.
"""

from __future__ import annotations

IBL = "ibl"
_ALLEN = ("allen_vc", "allen_vbn")


def is_allen(source: str) -> bool:
    """Return whether the Allen Institute publishes NWB files of the source, with its own column names."""
    return source in _ALLEN


def assumed_species(source: str, species: str) -> tuple[str, ...]:
    """Return the note that the species is assumed; none of IBL's and Allen's sessions, which are all of mice."""
    if is_ibl(source) or is_allen(source):
        return ()
    return (f"the species of the subject is not stated; {species} is assumed",)


def is_ibl(source: str) -> bool:
    """Return whether IBL publishes NWB files of the source (DANDI 000409), with its own column names."""
    return source == IBL
