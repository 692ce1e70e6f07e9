"""A row of the table: what is compared, the gate before it, and the turns.

Contains the records of a row and how one is measured: the gate first, then the platform and each peer in turn. Add
here what holds of every comparison. Which rows there are stands in `benchmarks.rows`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness.limits import Limits
from benchmarks.harness.sides import Run, Side, SideFailed, Worker

Arrays = Mapping[str, npt.NDArray[Any]]
LONG_RUN_S = 120.0
"""A peer whose run takes more CPU time than this runs once [s]."""


class Differs(Exception):
    """Two sides did not find the same; the text says what, and how far apart they are."""


@dataclass(frozen=True)
class Peer:
    """Another side of a comparison.

    Parameters
    ----------
    side
        Who runs.
    gate
        Takes the input, what the platform found and what the peer found, and returns words on how far they agree;
        raises `Differs`.
    at_least, stretch
        How many times faster the project aims to be in CPU time; None where there is no aim.
    packages
        Distributions that name the peer.
    is_threaded
        Whether it uses more threads than one where it may: it is measured once more with as many as it likes.
    """

    side: Side
    gate: Callable[[Path, Arrays, Arrays], str]
    at_least: float | None = None
    stretch: float | None = None
    packages: tuple[str, ...] = ()
    is_threaded: bool = False


@dataclass(frozen=True)
class Row:
    """One comparison.

    Parameters
    ----------
    name
        By which it is asked for.
    what
        What is done, for the table.
    data
        Takes whether it should be small, and returns the file that every side is given.
    here
        The platform's side.
    peers
        The others.
    reference
        Takes the input and what the platform found, and returns words on how they agree with an independent plain
        computation; raises `Differs`.
    at_most
        Aims of the platform alone: ``cpu_s``, ``wall_s`` [s] or ``peak_bytes``.
    limit
        Takes what this machine can do and the input, and returns the least seconds for such work, with words.
    note
        What a reader must know of the comparison.
    """

    name: str
    what: str
    data: Callable[[bool], Path]
    here: Side
    peers: tuple[Peer, ...] = ()
    reference: Callable[[Path, Arrays], str] | None = None
    at_most: Mapping[str, float] = field(default_factory=dict)
    limit: Callable[[Limits, Path], tuple[float, str]] | None = None
    note: str = ""


def compare(row: Row, folder: Path, *, quick: bool, n_runs: int, limits: Limits) -> dict[str, Any]:
    """Measure one row and return what was found, as it is stored.

    A peer whose gate does not hold gets no figure, and neither does any where the platform differs from the plain
    computation. A peer that fails is among the others, with what it said.

    Parameters
    ----------
    row
        What is compared.
    folder
        For what the sides found; it is not kept.
    quick
        Whether small data do.
    n_runs
        Turns of each side.
    limits
        What this machine can do.
    """
    given, found = row.data(quick), folder / f"{row.name}.npz"
    result: dict[str, Any] = {"name": row.name, "what": row.what, "note": row.note, "is_quick": quick, "peers": []}
    result["load"] = [os.getloadavg()[0]]
    with Worker(row.here, given, found) as here:
        result["versions"] = here.versions
        ours = _read(found)
        if row.reference is not None:
            try:
                result["reference"] = row.reference(given, ours)
            except Differs as error:
                return {**result, "refused": str(error)}
        result["input"] = str(ours["input"]) if "input" in ours else ""
        taken: list[Run] = []
        for peer in row.peers:
            result["peers"].append(_beside(peer, here, given, ours, folder, n_runs, taken))
        while len(taken) < n_runs:
            taken.append(here.run())
        result["here"] = [vars(one) for one in taken]
    result["load"].append(os.getloadavg()[0])
    result["at_most"] = dict(row.at_most)
    if row.limit is not None:
        seconds, words = row.limit(limits, given)
        result["limit"] = {"seconds": seconds, "words": words}
    return result


def _beside(
    peer: Peer, here: Worker, given: Path, ours: Arrays, folder: Path, n_runs: int, taken: list[Run]
) -> dict[str, Any]:
    """Let the platform and a peer take turns, and return what the peer took, with the ratios pair by pair."""
    found = folder / f"{peer.side.job}.npz"
    said: dict[str, Any] = {
        "label": peer.side.label,
        "packages": list(peer.packages),
        "at_least": peer.at_least,
        "stretch": peer.stretch,
    }
    try:
        with Worker(peer.side, given, found) as there:
            said["versions"] = there.versions
            said["gate"] = peer.gate(given, ours, _read(found))
            runs: list[Run] = []
            ratios: list[float] = []
            while len(runs) < n_runs and not (runs and runs[0].cpu_s > LONG_RUN_S):
                before = here.run()
                runs.append(there.run())
                taken.append(before)
                ratios.append(runs[-1].cpu_s / before.cpu_s)
        said |= {"runs": [vars(one) for one in runs], "ratios": ratios}
        if peer.is_threaded:
            found.unlink(missing_ok=True)
            with Worker(peer.side, given, found, one_thread=False) as there:
                free = [there.run() for _ in range(min(len(runs), 3))]
            said["default_threads"] = [vars(one) for one in free]
    except Differs as error:
        said["refused"] = str(error)
    except SideFailed as error:
        said["failed"] = str(error)
    finally:
        found.unlink(missing_ok=True)
    return said


def is_sound(result: Mapping[str, Any], *, quick: bool = False) -> list[str]:
    """Return what is wrong with a row: gates that did not hold, peers that failed and, in full, aims that were missed.

    Parameters
    ----------
    result
        Of `compare`.
    quick
        Whether small data were taken: then a third of an aim does, since only gross regressions are looked for, and no
        time is held against an absolute aim.
    """
    if "refused" in result:
        return [f"{result['name']}: {result['refused']}"]
    wrong = []
    for peer in result["peers"]:
        where = f"{result['name']}, {peer['label']}"
        if "refused" in peer or "failed" in peer:
            wrong.append(f"{where}: {peer.get('refused', peer.get('failed'))}")
        elif peer["at_least"] is not None:
            found, aim = median(peer["ratios"]), peer["at_least"] / (3.0 if quick else 1.0)
            if found < aim:
                wrong.append(f"{where}: {found:.3g} times faster, aim {aim:.3g}")
    for name, aim in {} if quick else result["at_most"].items():
        found = median(run[name] for run in result["here"])
        if found > aim:
            wrong.append(f"{result['name']}: {name} {found:.3g}, aim at most {aim:.3g}")
    return wrong


def _read(found: Path) -> Arrays:
    with np.load(found) as stored:
        return {name: stored[name] for name in stored.files}
