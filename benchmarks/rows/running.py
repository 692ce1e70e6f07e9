"""Rows on running the platform: commands, a session's whole chain through Dagster, and what Dagster costs around it.

Contains their gates. Add a row here for what a user waits for; sides stand in `benchmarks/jobs/commands.py` and
`benchmarks/jobs/sessions.py`.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness.comparison import Arrays, Differs, Peer, Row
from benchmarks.harness.homes import upstream
from benchmarks.harness.limits import Limits
from benchmarks.harness.sides import Side
from benchmarks.rows.stored import sortings

COMMANDS, SESSIONS = "jobs/commands.py", "jobs/sessions.py"
CHAIN = {"raw_spikes", "units", "events", "windows", "unit_embeddings"}
EVERY = CHAIN | {"signals", "session_report"}
"""Assets that a session has at least."""


def says(given: Path, found: Arrays, words: tuple[str, ...]) -> str:
    """Look for words in what a command printed; raise `Differs` where one is missing."""
    said = str(found["said"])
    missing = [one for one in words if one not in said]
    if missing:
        raise Differs(f"it does not say {', '.join(missing)} but {said[:200]!r}")
    return f"it says {', '.join(words)}, among {len(said.split()):,} words"


def as_much(given: Path, ours: Arrays, theirs: Arrays) -> str:
    """Compare what two ways made of a session: the same assets, spikes and units."""
    for name in ("assets", "n_spikes", "n_units"):
        if not np.array_equal(ours[name], theirs[name]):
            raise Differs(f"{name} are {theirs[name]} there, {ours[name]} here")
    return f"the same {len(ours['assets'])} assets of {int(ours['n_units']):,} units"


def a_report(given: Path, found: Arrays) -> str:
    """Look for the report of every spike; raise `Differs` where it is not there."""
    if "session_report" not in found["assets"].tolist() or "figure_page_mb" not in found:
        raise Differs("there is no report")
    return f"a report of {int(found['n_units']):,} units, {float(found['figure_page_mb']):.2f} MB"


def whole_chain(given: Path, found: Arrays, expected: Set[str] = EVERY) -> str:
    """Hold what was made of the first session against upstream's files; raise `Differs` where something is missing."""
    missing = expected.difference(found["assets"].tolist())
    if missing:
        raise Differs(f"{', '.join(sorted(missing))} was not made")
    files = [folder / "spikes.times.npy" for folder in sortings(given).values()]
    n_spikes, n_stored = sum(len(np.load(path, mmap_mode="r")) for path in files), int(found["n_spikes"])
    if n_stored != n_spikes:
        raise Differs(f"{n_stored:,} spikes are stored, upstream has {n_spikes:,}")
    return f"{len(found['assets'])} assets of {int(found['n_units']):,} units, every one of {n_stored:,} spikes stored"


def start(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the seconds of starting an interpreter that does nothing."""
    return limits.start_python_s, "starting an interpreter that does nothing"


def read_upstream(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the seconds of reading every file of upstream's once."""
    return limits.of_reading(path for path in given.rglob("*") if path.is_file())


def _command(name: str, job: str, what: str, words: tuple[str, ...], size: str = "tiny", n_sessions: int = 1) -> Row:
    return Row(
        name=name,
        what=what,
        data=partial(upstream, size, n_sessions),
        here=Side("here", COMMANDS, job),
        reference=partial(says, words=words),
        limit=start,
        is_in_quick=job == "nh_help",
    )


def _first_session(name: str, what: str, jit_s: float) -> Row:
    return Row(
        name=name,
        what=what,
        data=partial(upstream, "tiny", 1),
        here=Side("here", COMMANDS, name.replace("-", "_")),
        reference=whole_chain,
        at_most={"jit_s": jit_s} if np.isfinite(jit_s) else {},
        limit=read_upstream,
        is_in_quick=False,
        note="Without Dagster, which compiles nothing; compilation is what it took in the run of the gate.",
    )


def _demo(name: str, what: str, wall_s: float, profile: str) -> Row:
    row = _command(name, name.replace("-", "_"), what, ("Training set demo@1 is ready", "pass rate"))
    return replace(row, at_most={"wall_s": wall_s}, clock="wall_s", profile=profile)


def _chain(name: str, what: str, size: str, job: str = "materialize", **at_most: float) -> Row:
    return Row(
        name=name,
        what=what,
        data=partial(upstream, size, 1),
        here=Side("here", COMMANDS, job),
        reference=partial(whole_chain, expected=EVERY if job == "materialize" else CHAIN),
        at_most=at_most,
        limit=read_upstream,
        is_in_quick=False,
        note="`nh materialize` in a process of its own: start, imports, Dagster and all checks are in it, and compiled "
        "code is cached.",
    )


ROWS = (
    _command("nh-help", "nh_help", "`nh --help`", ("materialize", "doctor")),
    _command("nh-status", "nh_status", "`nh status` of a small home", ("ibl",)),
    _command("definitions", "definitions", "loading what the code location serves", ("assets",)),
    _chain(
        "chain-full",
        "raw spikes, units, windows and unit embeddings of a full session through Dagster",
        "benchmark",
        "materialize_chain",
        cpu_s=7.0,
        peak_bytes=0.8e9,
    ),
    _chain("chain-full-all", "every asset of a full session through Dagster", "benchmark"),
    _chain("chain-small", "every asset of a session of 24 units through Dagster", "tiny", cpu_s=5.0),
    _first_session("first-session", "every asset of a session of 24 units, with nothing compiled before", np.inf),
    _first_session("first-session-warmed", "the same after `nh doctor --warm`", 3.0),
    _demo(
        "demo",
        "`nh demo`, compiled code cached",
        25.0,
        "Of 38 to 43 CPU s in two processes a third are sessions of IBL, a fifth files of the stimulus sets (8,000 "
        "HDF5 objects at 0.45 ms), a tenth imports, twice.",
    ),
    _demo(
        "demo-fresh",
        "`nh demo` with nothing compiled before",
        40.0,
        "Its two processes begin by compiling what sessions use, a part each, 16 CPU s in all; the rest is the demo "
        "with compiled code (the row before), at the speed that the machine had then.",
    ),
    Row(
        name="session-shared-process",
        what="every asset of a session of 24 units through Dagster, in a process that has made one before",
        data=partial(upstream, "tiny", 1),
        here=Side("here", SESSIONS, "with_dagster"),
        peers=(
            Peer(
                Side("the same assets without Dagster, its checks and events", SESSIONS, "without_dagster"),
                as_much,
                near="It is the platform itself: the difference is what runs, checks and lineage cost.",
            ),
        ),
        reference=whole_chain,
        at_most={"cpu_s": 0.6},
        limit=read_upstream,
        is_in_quick=False,
        note="What is here beyond the time without Dagster is what orchestration costs for each session.",
        profile="What the same assets take without Dagster is in the row beside it: tables of 20 metrics, the report "
        "and files, each a fixed cost whatever the number of spikes. Dagster, 30 checks and 90 events take the rest.",
    ),
    Row(
        name="session-report",
        what="the report of a full session, mean waveforms included",
        data=partial(upstream, "benchmark", 1),
        here=Side("here", SESSIONS, "report"),
        reference=a_report,
        at_most={"cpu_s": 20.0, "peak_bytes": 1.5e9, "page_mb": 2.5},
        limit=read_upstream,
        is_in_quick=False,
    ),
)
