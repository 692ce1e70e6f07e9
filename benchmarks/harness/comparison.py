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
LONG_QUICK_RUN_S = 1.0
"""A peer whose run takes more CPU time than this runs once [s]; in quick runs each side whose run takes the second."""


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
    is_in_quick
        Whether it is asked in quick runs.
    at_least_quick
        How many times faster on small data, less being a gross regression; a third of ``at_least`` if not given.
    memory_share
        Share of its memory that the platform aims to stay within.
    near
        Why it is near or ahead, for the page, which says so of every side that takes less than twice the time.
    """

    side: Side
    gate: Callable[[Path, Arrays, Arrays], str]
    at_least: float | None = None
    stretch: float | None = None
    packages: tuple[str, ...] = ()
    is_threaded: bool = False
    is_in_quick: bool = True
    at_least_quick: float | None = None
    memory_share: float | None = None
    near: str = ""


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
    at_most, at_least
        Aims of the platform alone: ``cpu_s``, ``wall_s`` [s], ``peak_bytes``, ``gb_per_cpu_s``, or a figure that it
        leaves for the gate as ``figure_NAME``, a number.
    clock
        By which ratios are taken: ``cpu_s``, or ``wall_s`` where the disk is what is waited for.
    limit
        Takes what this machine can do and the input, and returns the least seconds for such work, with words.
    is_in_quick
        Whether it is measured in quick runs; a row that differs from another in the size of its data is not.
    note
        What a reader must know of the comparison.
    profile
        Where the time or memory goes, by a profile of the command; shown where an aim is missed.
    """

    name: str
    what: str
    data: Callable[[bool], Path]
    here: Side
    peers: tuple[Peer, ...] = ()
    reference: Callable[[Path, Arrays], str] | None = None
    at_most: Mapping[str, float] = field(default_factory=dict)
    at_least: Mapping[str, float] = field(default_factory=dict)
    clock: str = "cpu_s"
    is_in_quick: bool = True
    limit: Callable[[Limits, Path], tuple[float, str]] | None = None
    note: str = ""
    profile: str = ""


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
    result: dict[str, Any] = {"name": row.name, "what": row.what, "note": row.note, "is_quick": quick, "peers": []}
    result |= {"at_most": dict(row.at_most), "at_least": dict(row.at_least), "clock": row.clock}
    result["load"] = [os.getloadavg()[0]]
    given, found = row.data(quick), folder / f"{row.name}.npz"
    try:
        with Worker(row.here, given, found) as here:
            result |= _held(row, here, given, found, quick, n_runs)
    except Differs as error:
        return {**result, "refused": str(error)}
    except SideFailed as error:
        return {**result, "broken": str(error)}
    finally:
        found.unlink(missing_ok=True)
    result["load"].append(os.getloadavg()[0])
    if row.limit is not None:
        seconds, words = row.limit(limits, given)
        result["limit"] = {"seconds": seconds, "words": words}
    return result


def _held(row: Row, here: Worker, given: Path, found: Path, quick: bool, n_runs: int) -> dict[str, Any]:
    """Hold the platform against the plain computation, then let it and its peers take turns."""
    ours = _read(found)
    result: dict[str, Any] = {"versions": here.versions}
    if row.reference is not None:
        result["reference"] = row.reference(given, ours)
    result["input"] = str(ours["input"]) if "input" in ours else ""
    result["figures"] = {name[7:]: float(ours[name]) for name in ours if name.startswith("figure_")}
    taken: list[Run] = []
    result["peers"] = [
        _beside(peer, row, here, given, ours, found.parent, n_runs, taken, quick=quick)
        for peer in row.peers
        if peer.is_in_quick or not quick
    ]
    while len(taken) < n_runs and not (quick and taken and taken[0].cpu_s > LONG_QUICK_RUN_S):
        taken.append(here.run())
    result["here"] = [vars(one) for one in taken]
    if "bytes" in ours:
        result["figures"]["gb_per_cpu_s"] = float(ours["bytes"]) / 1e9 / median(one.cpu_s for one in taken)
    return result


def _beside(
    peer: Peer,
    row: Row,
    here: Worker,
    given: Path,
    ours: Arrays,
    folder: Path,
    n_runs: int,
    taken: list[Run],
    *,
    quick: bool,
) -> dict[str, Any]:
    """Let the platform and a peer take turns, and return what the peer took, with the ratios pair by pair."""
    found = folder / f"{peer.side.job.replace(':', '-')}.npz"
    longest = LONG_QUICK_RUN_S if quick else LONG_RUN_S
    said: dict[str, Any] = {
        "label": peer.side.label,
        "packages": list(peer.packages),
        "at_least": peer.at_least,
        "stretch": peer.stretch,
        "at_least_quick": peer.at_least_quick,
        "memory_share": peer.memory_share,
    }
    try:
        with Worker(peer.side, given, found) as there:
            said["versions"] = there.versions
            said["gate"] = peer.gate(given, ours, _read(found))
            runs: list[Run] = []
            ratios: list[float] = []
            while len(runs) < n_runs and not (runs and runs[0].cpu_s > longest):
                before = here.run()
                runs.append(there.run())
                taken.append(before)
                ratios.append(getattr(runs[-1], row.clock) / max(getattr(before, row.clock), 1e-9))
        said |= {"runs": [vars(one) for one in runs], "ratios": ratios}
        if peer.is_threaded and not quick:
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
        Whether small data were taken: then less than an aim does, since only gross regressions are looked for, and no
        time is held against an absolute aim.
    """
    if "refused" in result or "broken" in result:
        return [f"{result['name']}: {result.get('refused') or result['broken']}"]
    wrong = []
    for peer in result["peers"]:
        where = f"{result['name']}, {peer['label']}"
        if "refused" in peer or "failed" in peer:
            wrong.append(f"{where}: {peer.get('refused', peer.get('failed'))}")
            continue
        share = memory_share(result, peer)
        if not quick and share is not None and share > peer["memory_share"]:
            wrong.append(f"{where}: {share:.0%} of its memory, aim {peer['memory_share']:.0%}")
        if peer["at_least"] is not None:
            found, aim = median(peer["ratios"]), peer["at_least"]
            if quick:
                aim = peer.get("at_least_quick") or aim / 3
            if found < aim:
                wrong.append(f"{where}: {found:.3g} times faster, aim {aim:.3g}")
    for name, aim in {} if quick else result["at_most"].items():
        if (found := own_figure(result, name)) > aim:
            wrong.append(f"{result['name']}: {name} {found:.3g}, aim at most {aim:.3g}")
    for name, aim in {} if quick else result.get("at_least", {}).items():
        if (found := own_figure(result, name)) < aim:
            wrong.append(f"{result['name']}: {name} {found:.3g}, aim at least {aim:.3g}")
    return wrong


def memory_share(result: Mapping[str, Any], peer: Mapping[str, Any]) -> float | None:
    """Return the platform's memory over a peer's, the most of each; None where the row does not ask for it.

    A process that keeps what a run took needs nothing more for the next one.
    """
    if peer.get("memory_share") is None:
        return None
    ours, theirs = (max(run["peak_bytes"] for run in runs) for runs in (result["here"], peer["runs"]))
    return float(ours / max(theirs, 1.0))


def own_figure(result: Mapping[str, Any], name: str) -> float:
    """Return a figure of the platform alone, by the name that aims have for it."""
    if name in result.get("figures", {}):
        return float(result["figures"][name])
    of = max if name == "peak_bytes" else median
    return float(of(run[name] for run in result["here"]))


def _read(found: Path) -> Arrays:
    with np.load(found) as stored:
        return {name: stored[name] for name in stored.files}
