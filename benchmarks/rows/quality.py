"""Rows on unit metrics: each library's own set at its own definitions, and labels made of them.

Contains their data, gates and peers. Add a row here for another set of metrics; its sides stand in
`benchmarks/jobs/quality.py` and the peers' scripts. Spikes lie grouped by unit here, as `raw_spikes` stores them, and
in the order of time there.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness.comparison import Arrays, Peer, Row
from benchmarks.harness.gates import same_columns, same_values
from benchmarks.harness.limits import Limits
from benchmarks.harness.sessions import IBL, LARGE, SMALL, SessionSize, spikes_of
from benchmarks.harness.sides import Side

TOLERANCE = 1e-9
"""Relative; sums are taken in another order."""
HERE = "jobs/quality.py"
BYTES_OF_SPIKE = 24


def session(size: SessionSize, quick: bool) -> Path:
    """Return a session's spikes with amplitudes and depths, grouped by unit."""
    return spikes_of(SMALL if quick else size)


def one_pass(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the seconds of reading times, amplitudes and depths once."""
    with np.load(given) as stored:
        n_bytes = BYTES_OF_SPIKE * float(stored["offsets"][-1])
    return n_bytes / 1e9 / limits.read_gb_s, f"one pass over {n_bytes / 1e6:.0f} MB of times, amplitudes and depths"


def spikeinterface_columns(given: Path, ours: Arrays, theirs: Arrays) -> str:
    """Compare with SpikeInterface, whose counts of an empty unit are -1."""
    counted = ("isi_violations_count", "rp_violations")
    numbers = {name: np.asarray(theirs[name], dtype=float) for name in ours if name in theirs and name != "input"}
    known = {name: np.where(v < 0, np.nan, v) if name in counted else v for name, v in numbers.items()}
    return same_columns(TOLERANCE)(given, ours, known)


def _brainbox(at_least: float, stretch: float) -> Peer:
    side = Side("brainbox `quick_unit_metrics`", "peer_ibllib_metrics.py", "quick_unit_metrics", "ibllib")
    return Peer(side, same_columns(TOLERANCE), at_least, stretch, packages=("ibllib",))


_SPIKEINTERFACE = Peer(
    Side("SpikeInterface `compute_quality_metrics`", "peer_spikeinterface_metrics.py", "quality_metrics",
         "spikeinterface"), spikeinterface_columns, at_least=15, at_least_quick=2, packages=("spikeinterface",),
)  # fmt: skip
_BOMBCELL = Peer(
    Side("SpikeInterface `bombcell_label_units`, metrics included", "peer_spikeinterface_metrics.py", "bombcell",
         "spikeinterface"), same_values("good"), at_least=5, at_least_quick=1.5, packages=("spikeinterface",),
)  # fmt: skip
_ALLEN = Peer(
    Side("a mask for each unit, as ecephys_spike_sorting has it, numpy", HERE, "allen_by_unit"),
    same_columns(TOLERANCE), at_least=40, at_least_quick=4, packages=("numpy",),
)  # fmt: skip


def _both_sizes(
    name: str, what: str, here: str, peers: tuple[Peer, Peer], *, note: str = "", most_of_large: float = np.inf
) -> list[Row]:
    """Return the rows of one set of metrics: on a session, and on a large one, which quick runs leave out."""
    bounds = {"peak_bytes": most_of_large} if np.isfinite(most_of_large) else {}
    row = partial(Row, here=Side("here", HERE, here), limit=one_pass, note=note)
    return [
        row(name, f"{what} of a session", partial(session, IBL), peers=peers[:1]),
        row(
            f"{name}-large",
            f"{what} of a large session",
            partial(session, LARGE),
            peers=peers[1:],
            at_most=bounds,
            is_in_quick=False,
        ),
    ]


ROWS = (
    *_both_sizes(
        "ibl-metrics",
        "20 IBL metrics and label",
        "ibl",
        (_brainbox(60, 90), _brainbox(100, 150)),
        note="The memory that it adds to a large session is to stay below its input.",
        most_of_large=BYTES_OF_SPIKE * 58e6,
    ),
    Row(
        name="two-threads",
        what="20 IBL metrics and label of a session, in two threads",
        data=partial(session, IBL),
        here=Side("here, two threads", HERE, "ibl_two_threads"),
        peers=(
            Peer(
                Side("here, one thread", HERE, "ibl"),
                same_columns(0.0),
                at_least=1.8,
                at_least_quick=0.1,
                near="It is the same code; two threads give no more than 2.",
            ),
        ),
        clock="wall_s",
        limit=one_pass,
        note="By the clock on the wall: it needs two idle cores.",
        profile="Two threads take 7 to 10 % more CPU time than one, and their blocks of units end at other times.",
    ),
    *_both_sizes(
        "spikeinterface-metrics",
        "18 SpikeInterface metrics",
        "spikeinterface",
        (_SPIKEINTERFACE, _SPIKEINTERFACE),
        note="The analyzer with its spike vector, amplitudes and depths is made before SpikeInterface is timed.",
    ),
    Row(
        name="bombcell-labels",
        what="bombcell's label of every unit, by what it asks of spikes",
        data=partial(session, IBL),
        here=Side("here", HERE, "bombcell"),
        peers=(_BOMBCELL,),
        limit=one_pass,
        note="bombcell's thresholds as its authors ported them to SpikeInterface. bombcell by itself has other "
        "formulas under the same names, so that no time of it stands beside these.",
    ),
    *_both_sizes("allen-metrics", "4 Allen metrics", "allen", (_ALLEN, _ALLEN)),
)
