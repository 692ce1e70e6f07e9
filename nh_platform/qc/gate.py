"""The gate in front of units, windows and embeddings: whether a session's spikes can be used at all.

Contains the reasons for which a session is gated. Add a reason here only for data that cannot be used; few or no good
units is a rule's warning, never a gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nh_platform.history.manifest import SessionFiles
from nh_platform.qc.plausibility import implausible
from nh_platform.session import RawRecording, Spikes
from nh_platform.store.codecs.json_files import read_json, write_json
from nh_platform.store.file_hashes import is_stored

GATE_FILE = "gate.json"
"""File of `raw_spikes` that says why the session cannot be used."""

_BLOCK = 1 << 21


@dataclass(frozen=True)
class Gate:
    """The gate of a session.

    Parameters
    ----------
    problems
        Why the session cannot be used, in words; empty where it can.
    warnings
        What is not plausible of it and stops nothing.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Write it into the folder of `raw_spikes`."""
        write_json(folder / GATE_FILE, {"problems": list(self.problems), "warnings": list(self.warnings)})


def read_gate(folder: Path) -> Gate:
    """Return what the gate of a session says, as its stored `raw_spikes` hold it; nothing where they hold none.

    Parameters
    ----------
    folder
        A published version of an asset.

    Raises
    ------
    DamagedFile
        If it is not the bytes that were published.
    """
    if not is_stored(folder / GATE_FILE):
        return Gate()
    content = read_json(folder / GATE_FILE)
    return Gate(tuple(map(str, content["problems"])), tuple(map(str, content.get("warnings", ()))))


def gate_of(recording: RawRecording, files: SessionFiles) -> Gate:
    """Return whether a session can be used, and what is not plausible of it.

    Parameters
    ----------
    recording
        What `raw_spikes` holds.
    files
        The session's part of the manifest. Files of probes that the recording leaves out are of no account.
    """
    problems = _problems(recording, files)
    findings = [] if problems else implausible(recording)
    return Gate(
        problems=(*problems, *(str(one) for one in findings if one.stops)),
        warnings=tuple(str(one) for one in findings if not one.stops),
    )


def _problems(recording: RawRecording, files: SessionFiles) -> list[str]:
    """Return why files, lengths or order do not allow to use a session."""
    problems = []
    read = files.of_group("spikes")
    read = read[read["probe"].isin({"", *recording.probes["probe"]})]
    unverified = read.loc[read["md5"].isna(), "name"].tolist()
    if unverified:
        problems.append(f"files without a hash to verify: {', '.join(unverified)}")
    for probe, rows in read.groupby("probe"):
        revisions = sorted(set(rows.loc[rows["name"].str.startswith("spikes."), "revision"]))
        if len(revisions) > 1:
            problems.append(f"{probe}: spikes are of several revisions: {', '.join(r or 'none' for r in revisions)}")
    n_units = recording.spikes.n_units
    if len(recording.units) != n_units:
        problems.append(f"{len(recording.units)} units but spikes of {n_units}")
    if not _are_sorted(recording.spikes):
        problems.append("spike times are NaN or not sorted within a unit")
    return problems


def _are_sorted(spikes: Spikes) -> bool:
    """Return whether all times are finite and ascend within each unit. In blocks: 100 M spikes are 0.8 GB a copy."""
    for start in range(0, len(spikes.times), _BLOCK):
        block = spikes.times[start : start + _BLOCK + 1]
        falls = np.flatnonzero(np.diff(block) < 0) + start + 1
        if not np.isfinite(block).all() or not np.isin(falls, spikes.offsets).all():
            return False
    return True
