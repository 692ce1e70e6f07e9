"""Simulated sessions of a source: the writer that its entry names, found and called.

Contains the look-up, since an entry names its writer and never imports it. What is simulated belongs to the writers
(`nh_platform.simulation` has those of the platform's own sources).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from nh_platform.sources.registry import source_entry, source_package_named, sources

if TYPE_CHECKING:
    from nh_platform.simulation import SimulatedSession, SimulationSize


def simulated_sources() -> tuple[str, ...]:
    """Return the names of the sources that have a simulation."""
    return tuple(name for name, entry in sources().items() if entry.simulation)


def write_simulated(
    source: str, folder: Path, n_sessions: int, seed: int, size: SimulationSize
) -> Sequence[SimulatedSession]:
    """Write simulated sessions of a source in its upstream format, and return them with what is true of each.

    Parameters
    ----------
    source
        Name of a source that has a simulation. Its writer is called as ``write(folder, n_sessions, seed, size=size)``.
    folder
        Folder to write into; as ``root`` among the settings of the source it is read in the mode ``local``.
    n_sessions, seed, size
        How many sessions, from which seed (the same seed gives the same bytes), and how large.

    Raises
    ------
    ConfigError
        If there is no such source, or the simulation of a package cannot be loaded or fails; names the package.
    """
    writer = source_entry(source).simulation
    with source_package_named(source, f"its simulation {writer} fails"):
        sessions: Sequence[SimulatedSession] = resolve_name(writer)(folder, n_sessions, seed, size=size)
    return sessions
