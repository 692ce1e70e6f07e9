"""Rows on releases: two catalogues of 210,000 files compared, and the second stored.

Contains their plain reference. Add a row here for another step of a release; sides stand in
`benchmarks/jobs/releases.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.harness.comparison import Arrays, Differs, Row
from benchmarks.harness.limits import Limits
from benchmarks.harness.sessions import kept
from benchmarks.harness.sides import Side

HERE = "jobs/releases.py"
FILES_PER_SESSION = 210
CONTENT = ("patched in place", "alignment changed", "catalogue entry changed")
"""Kinds of change of which a file with another md5 has one."""


def catalogue(quick: bool) -> Path:
    """Return the file that says how large the catalogue is."""
    n = 40 if quick else 1000
    return kept(f"catalogue-{n}.npz", lambda path: np.savez(path, n_sessions=n, files_per_session=FILES_PER_SESSION))


def every_row(given: Path, found: Arrays) -> str:
    """Hold the changes against what was done to the catalogue: every file has another md5 and another tag."""
    with np.load(given) as stored:
        n_files = int(stored["n_sessions"]) * int(stored["files_per_session"])
    return _as_many(found, {CONTENT: n_files, ("tag changed",): n_files})


def usual(given: Path, found: Arrays) -> str:
    """Hold the changes against what was done to the catalogue: sessions withdrawn, two files of wheels patched."""
    with np.load(given) as stored:
        n_sessions = int(stored["n_sessions"])
    return _as_many(found, {("session withdrawn",): n_sessions // 20, ("patched in place",): 2 * (n_sessions // 16)})


def _as_many(found: Arrays, expected: dict[tuple[str, ...], int]) -> str:
    changes = dict(zip(found["kinds"].tolist(), found["n_files"].tolist(), strict=True))
    for kinds, n in expected.items():
        held = sum(changes.get(kind, 0) for kind in kinds)
        if held != n:
            raise Differs(f"{held:,} of '{' or '.join(kinds)}' were found, and {n:,} were changed")
    return "found as they were made: " + ", ".join(f"{n:,} {' or '.join(kinds)}" for kinds, n in expected.items())


def read_files(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the seconds of reading the md5 of every file of both catalogues once."""
    with np.load(given) as stored:
        n_bytes = 2.0 * 32 * int(stored["n_sessions"]) * int(stored["files_per_session"])
    return n_bytes / 1e9 / limits.read_gb_s, f"one pass over {n_bytes / 1e6:.0f} MB of md5 sums"


ROWS = (
    Row(
        name="release-diff",
        what="two catalogues of 210,000 files compared, every row moved",
        data=catalogue,
        here=Side("here", HERE, "diff"),
        reference=every_row,
        at_most={"wall_s": 5.0, "peak_bytes": 1e9},
        limit=read_files,
    ),
    Row(
        name="release-stored",
        what="a usual release compared with the stored catalogue, and stored",
        data=catalogue,
        here=Side("here", HERE, "compare_and_store"),
        reference=usual,
        at_most={"wall_s": 5.0, "peak_bytes": 1e9},
        limit=read_files,
        is_in_quick=False,
    ),
)
