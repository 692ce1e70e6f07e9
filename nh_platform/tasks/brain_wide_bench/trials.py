"""The trials that the benchmark uses, their windows, and the stretch of time that each takes.

Contains the mask, the windows around a trial's events and their spans. Add a window here as a preset of
`nh_platform.windows.presets.shipped`. Which split a window lies in is `splits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.rules.session_rules import trial_mask
from nh_platform.session.tables.events import TRIALS
from nh_platform.tasks.lacking import lacking, says_what_lacks
from nh_platform.windows.counts.binning import US_PER_S
from nh_platform.windows.presets.preset_files import load_preset
from nh_platform.windows.presets.preset_model import AlignedPreset

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

FloatArray = npt.NDArray[np.float64]
Window = Literal["choice", "feedback", "stimulus", "movement", "block"]

WINDOW_S = 1.0
"""Length of every window of the benchmark (``TARGET_WINDOW`` of ``ibl-bwb-eval`` 0.1.0)."""

UNBIASED = 0.5
"""``probabilityLeft`` of the first block; its trials have no window of the block (``BLOCK_PRIOR_MAP``)."""

OVERLAPPING = "its windows overlap those of the trial before"
NOT_VALID = "not valid: reaction time not 0 to 10 s, a value missing, or no choice"


@dataclass(frozen=True)
class BenchmarkTrials:
    """The valid trials of a session.

    Parameters
    ----------
    table
        (n,) rows of the session's trials, schema `TRIALS`.
    rows
        (n,) int64, their rows in the table of all trials: the benchmark's ``trial_id``.
    starts
        (n,) float64 by window, s on the session clock when the window of each trial starts.
    spans
        (n, 2) float64, s: start of the first and end of the last of the windows of each trial, ascending.
    left_out
        Number of the other trials by reason.
    """

    table: pd.DataFrame
    rows: npt.NDArray[np.int64]
    starts: Mapping[Window, FloatArray]
    spans: FloatArray
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.rows)


@says_what_lacks
def benchmark_trials(session: SessionView) -> BenchmarkTrials:
    """Return the benchmark's trials of a session.

    A trial is valid where the reaction time (``firstMovement_times - stimOn_times``) is 0 to 10 s, both included, none
    of ``stimOn_times``, ``choice``, ``feedback_times``, ``probabilityLeft``, ``firstMovement_times`` and
    ``feedbackType`` is missing, and there was a choice. There is no limit to its length, and no least number of trials.
    The benchmark refuses a session whose trials' spans overlap; here the later one of two such trials is left out.

    Raises
    ------
    TargetMissing
        If the session has no trials of the IBL task, or no valid one.
    """
    if TRIALS.name not in session.events:
        tables = ", ".join(sorted(session.events)) or "no tables of events"
        raise lacking(session, f"it has no trials of the IBL task; it has {tables}", "Take sessions of the source ibl.")
    trials, preset = session.events[TRIALS.name], _preset("choice")
    assert preset.mask is not None
    valid = np.flatnonzero(trial_mask(trials, preset.mask))
    left_out = {NOT_VALID: len(trials) - len(valid)}
    windows = _windows(trials.iloc[valid])
    spans = _spans(trials.iloc[valid], windows)
    kept, stop = [], -np.inf
    for row in np.argsort(spans[:, 0], kind="stable"):
        if spans[row, 0] >= stop:
            kept.append(row)
            stop = spans[row, 1]
    left_out[OVERLAPPING] = len(valid) - len(kept)
    if not kept:
        found = f"none of its {len(trials)} trials is valid: a reaction time of 0 to 10 s, no missing value, a choice"
        raise lacking(session, found, "Leave the session out.")
    chosen = np.array(kept, dtype=np.int64)
    return BenchmarkTrials(
        table=trials.iloc[valid[chosen]],
        rows=valid[chosen].astype(np.int64),
        starts={name: start[chosen] for name, start in windows.items()},
        spans=spans[chosen],
        left_out={reason: number for reason, number in left_out.items() if number},
    )


def _preset(window: Window) -> AlignedPreset:
    preset = load_preset(f"bwb-2026-{window}")
    assert isinstance(preset, AlignedPreset)
    return preset


_COLUMNS: Mapping[Window, str] = {
    "choice": "firstMovement_times",
    "feedback": "feedback_times",
    "stimulus": "stimOn_times",
    "movement": "firstMovement_times",
    "block": "stimOn_times",
}
"""Column of the event that the preset ``bwb-2026-<window>`` names, in the trials of the IBL task."""


def _windows(trials: pd.DataFrame) -> dict[Window, FloatArray]:
    """Return when the window of each trial starts (s), by window; every one lasts `WINDOW_S`."""
    return {
        window: trials[column].to_numpy(dtype=np.float64) + _preset(window).start_us / US_PER_S
        for window, column in _COLUMNS.items()
    }


def _spans(trials: pd.DataFrame, windows: Mapping[Window, FloatArray]) -> FloatArray:
    biased = trials["probabilityLeft"].to_numpy(dtype=np.float64) != UNBIASED
    starts = np.stack([np.where(biased | (name != "block"), start, np.inf) for name, start in windows.items()])
    stops = np.stack([np.where(biased | (name != "block"), start, -np.inf) for name, start in windows.items()])
    return np.column_stack([starts.min(axis=0), stops.max(axis=0) + WINDOW_S])
