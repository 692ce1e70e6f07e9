"""Changes of a release after it is out: another session, a re-sort, a patched file, another QC.

Contains one function per kind of change, each writing the files and the tables as upstream would leave them. Add a
kind of change here when a sync must tell it from others.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nh_platform.simulation.file_bytes import write_arrays
from nh_platform.simulation.ibl.alf_tree import listed, sorting_folder, write_ibl, write_sorting, write_truth
from nh_platform.simulation.ibl.ibl_session import simulate_ibl_session
from nh_platform.simulation.ibl.one_tables import remove_session, set_dataset_qc
from nh_platform.simulation.ibl.spike_sorting import RESORT_REVISION, sort_probe
from nh_platform.simulation.simulated_session import SimulatedSession
from nh_platform.simulation.size import SimulationSize

__all__ = ["add_revision", "add_session", "patch_wheel", "remove_session", "set_dataset_qc"]


def add_session(root: Path, index: int, seed: int, *, size: SimulationSize) -> SimulatedSession:
    """Release session number ``index`` of ``seed`` in addition to those in ``root``."""
    return write_ibl(root, 1, seed, size=size, first=index)[0]


def add_revision(
    root: Path, index: int, seed: int, *, size: SimulationSize, probe: str, revision: str
) -> SimulatedSession:
    """Re-sort one probe: write a new revision, which becomes the default; cluster uuids are new.

    Parameters
    ----------
    root, index, seed, size
        As the session was written with; other values would describe another recording.
    probe
        Name of the probe, for example ``probe00``.
    revision
        Name of the revision, for example ``2026-01-01``; it must sort behind those there are.

    Raises
    ------
    ValueError
        If the session has no such probe, or the revision does not sort last.
    """
    session = simulate_ibl_session(seed, index, size)
    by_name = {one.name: one for one in session.probes}
    if probe not in by_name:
        raise ValueError(f"session {session.eid} has probes {sorted(by_name)}, not {probe!r}")
    folder = root / session.relative_path
    sorts = {name: sorting_folder(folder, name, "").glob("#*#") for name in by_name}
    there = {name: max(path.name.strip("#") for path in paths) for name, paths in sorts.items()}
    if revision <= max(there[probe], RESORT_REVISION):
        raise ValueError(f"revision {revision!r} of {probe} does not sort behind {there[probe]!r}")
    sorting = sort_probe(session, by_name[probe], revision)
    write_sorting(sorting_folder(folder, probe, revision), by_name[probe], sorting)
    write_truth(folder, session, {**there, probe: revision})
    return listed(root, session)


def patch_wheel(root: Path, index: int, seed: int, *, size: SimulationSize) -> SimulatedSession:
    """Turn the wheel's polarity in place: same file, same revision, another md5 (as in the IBL patch of 2025-Q1)."""
    session = simulate_ibl_session(seed, index, size)
    alf = root / session.relative_path / "alf"
    write_arrays(alf, {"_ibl_wheel.position": -np.load(alf / "_ibl_wheel.position.npy", allow_pickle=False)})
    return listed(root, session)
