"""Repeated stimuli of a session: which presentations repeat what, in which window, and which of them train and test.

Contains the choice of presentations. Add here what decides whether a presentation is a repeat. What names a condition
is `conditions`; spikes are counted in `forecast_target`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.tasks.task import TargetMissing
from nh_platform.tasks.visual.presented_windows import (
    NEXT_BEGINS,
    before_next_onset,
    presentations_of,
    session_name,
    stimuli_of,
)
from nh_platform.tasks.visual.psth_forecast.conditions import ConditionColumns, condition_columns, condition_labels
from nh_platform.tasks.visual.repeat_splits import split_repeats
from nh_platform.windows.counts.binning import US_PER_S, whole_microseconds
from nh_platform.windows.presentations.cleaning import unknown_stimulus
from nh_platform.windows.presentations.conventions import MOVIE_TOLERANCE_S, is_movie
from nh_platform.windows.presentations.showings import whole_movies

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

FloatArray = npt.NDArray[np.float64]

NAME = "psth-forecast"
BIN_S = 0.025
"""Ten bins of a scene's 250 ms and 80 of a grating's 2 s; half as wide as the delay of the first responses."""
NO_STIMULI = ("spontaneous", "invalid")
"""A stimulus whose name contains one of these is none that is repeated."""
FEWEST_REPEATS = 2
LASTING_SHARE = 0.95
"""Share of the presentations that a window is not longer than, so that one that ended early shortens it for none."""


@dataclass(frozen=True)
class RepeatedStimulus:
    """The repeats of one stimulus in one session.

    Parameters
    ----------
    stimulus
        Its name.
    conditions
        (n_conditions,) names of what is repeated, for example ``frame=12``; of a movie its name, or its steps.
    condition
        (n_repeats,) int64, which condition each repeat is of.
    times
        (n_repeats,) float64 seconds on the session clock, start of the window.
    presentation_ids
        (n_repeats,) int64; of a movie its first frame's.
    split
        (n_repeats,) object: ``train``, ``val`` or ``test`` (`split_repeats`).
    window_s, bin_s
        Length of the window from each time, and of its bins, in seconds.
    left_out
        Presentations that are left out, by reason.
    """

    stimulus: str
    conditions: tuple[str, ...]
    condition: npt.NDArray[np.int64]
    times: FloatArray
    presentation_ids: npt.NDArray[np.int64]
    split: npt.NDArray[np.object_]
    window_s: float
    bin_s: float
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        repeats = np.bincount(self.condition, minlength=len(self.conditions))
        n = str(repeats.min()) if repeats.min() == repeats.max() else f"{repeats.min()}-{repeats.max()}"
        return f"RepeatedStimulus({self.stimulus!r}, conditions={len(self.conditions)}, repeats={n})"


def repeated_stimuli(
    session: SessionView,
    stimuli: Sequence[str] = (),
    conditions: ConditionColumns = (),
    *,
    bin_s: float = BIN_S,
    window_s: float | None = None,
    movie_step_s: float | None = None,
) -> list[RepeatedStimulus]:
    """Return the stimuli of a session that are repeated, in the order in which they were first shown.

    A presentation is left out where it is not valid, shows nothing, is shorter than the window, or the next one begins
    within it; a movie also where it lasts 10 ms more or less than the median of its showings, since its frames then do
    not stand at the times of the others' (the tolerance of the binned Visual Coding set). Conditions that were shown
    once are left out too. What was shown for longer than the window is cut at its end.

    Parameters
    ----------
    session
        The session, of any source.
    stimuli
        Names in ``presentations``; all where empty.
    conditions
        Columns of presentations that name the condition; those that are known of Allen's stimuli where empty.
    bin_s
        Width of a bin in seconds.
    window_s
        Length of the window from the onset; where None, the whole bins that 95 % of the presentations last.
    movie_step_s
        Length of the steps that movies are cut into, each a condition of its own whose repeats are the showings; whole
        movies, one condition each, where None.

    Raises
    ------
    TargetMissing
        If nothing is repeated; the text names what the session shows and how often.
    ConfigError
        If a stimulus or column is not there, or a width is no whole number of microseconds or bins.
    """
    presentations = presentations_of(session, NAME)
    names = [str(name) for name in dict.fromkeys(presentations["stimulus_name"]) if not _is_none(str(name))]
    for name in stimuli:
        if name not in names:
            raise unknown_stimulus(name, names)
    joined = whole_movies(presentations).table
    found, reasons = [], []
    for name in stimuli or names:
        shown = joined[joined["stimulus_name"] == name]
        columns = condition_columns(shown, name, conditions)
        if columns is None:
            reasons.append(f"{name} ({len(shown)} presentations; no column is known to name its condition)")
            continue
        repeated = _repeats(
            session, name, shown, columns, joined, bin_s, window_s, movie_step_s if is_movie(name) else None
        )
        if len(repeated.times):
            found.append(repeated)
        else:
            left_out = ", ".join(f"{number} {why}" for why, number in repeated.left_out.items())
            reasons.append(f"{name} ({len(shown)} presentations; {left_out})")
    if not found:
        raise TargetMissing(
            session_name(session),
            f"no condition of a stimulus was shown twice: it has {'; '.join(reasons) or stimuli_of(presentations)}",
            "Take a session with repeated presentations, or state the columns that name their condition.",
        )
    return found


def _repeats(
    session: SessionView,
    stimulus: str,
    shown: pd.DataFrame,
    columns: Sequence[str],
    presentations: pd.DataFrame,
    bin_s: float,
    window_s: float | None,
    step_s: float | None,
) -> RepeatedStimulus:
    labels = condition_labels(shown, stimulus, columns)
    starts = shown["start_time"].to_numpy(dtype=np.float64)
    lengths = shown["stop_time"].to_numpy(dtype=np.float64) - starts
    valid = shown["valid"].to_numpy(dtype=bool) & np.isfinite(starts) & (lengths > 0)
    blank = labels == ""
    usable = valid & ~blank
    odd = np.zeros(len(shown), dtype=bool)
    if is_movie(stimulus) and usable.any():
        odd = usable & (np.abs(lengths - np.median(lengths[usable])) >= MOVIE_TOLERANCE_S)
    regular = lengths[usable & ~odd]
    lasts = float(np.quantile(regular, 1 - LASTING_SHARE, method="lower")) if len(regular) else 0.0
    window = _whole_bins(lasts, bin_s) if window_s is None else _checked(window_s, bin_s, "window_s")
    # A window that ends with the presentation is as long but for rounding.
    short = usable & ~odd & (lengths < window - 1e-6)
    cut = usable & ~odd & ~short & ~before_next_onset(starts, presentations, window)
    usable &= ~(short | odd | cut)
    left_out = {
        "are not valid": int((~valid).sum()),
        "show nothing": int((valid & blank).sum()),
        "are shorter than the window": int(short.sum()),
        "last longer or shorter than the movie does": int(odd.sum()),
        NEXT_BEGINS: int(cut.sum()),
    }
    ids = shown["presentation_id"].to_numpy(dtype=np.int64)[usable]
    labels, starts = labels[usable], starts[usable]
    if step_s is not None and len(ids):
        window = _checked(step_s, bin_s, "movie_step_s")
        labels, starts, ids = _steps(labels, starts, ids, window, int((lasts + 1e-6) / window))
    names, condition, counts = np.unique(labels.astype(str), return_inverse=True, return_counts=True)
    often = counts[condition] >= FEWEST_REPEATS
    left_out["are of a condition that was shown once"] = int((~often).sum())
    kept = np.flatnonzero(counts >= FEWEST_REPEATS)
    # In the order in which they were first shown: text would put frame=10 before frame=2.
    kept = kept[np.argsort([np.flatnonzero(condition == value)[0] for value in kept], kind="stable")]
    place = np.full(len(names), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    keys = [f"{session.source}:{session.session_id}:{number}" for number in ids[often]]
    return RepeatedStimulus(
        stimulus=stimulus,
        conditions=tuple(str(names[value]) for value in kept),
        condition=place[condition[often]],
        times=starts[often],
        presentation_ids=ids[often],
        split=split_repeats(condition[often], keys),
        window_s=window,
        bin_s=bin_s,
        left_out={why: n for why, n in left_out.items() if n},
    )


def _steps(
    labels: npt.NDArray[np.object_], starts: FloatArray, ids: npt.NDArray[np.int64], step_s: float, n_steps: int
) -> tuple[npt.NDArray[np.object_], FloatArray, npt.NDArray[np.int64]]:
    """Return label, start and id of every whole step of every showing of a movie."""
    offsets = np.arange(n_steps) * step_s
    names = np.array([f"{offset:g}-{offset + step_s:g} s" for offset in offsets.tolist()], dtype=object)
    steps = np.array([f"{label} {name}" for label in labels for name in names], dtype=object)
    return steps, (starts[:, None] + offsets).ravel(), np.repeat(ids, n_steps)


def _is_none(stimulus: str) -> bool:
    return any(part in stimulus for part in NO_STIMULI)


def _whole_bins(length_s: float, bin_s: float) -> float:
    """Return the seconds of the whole bins in a length, one at least; a bin that ends a microsecond late is whole."""
    bin_us = whole_microseconds(bin_s, "bin_s")
    if bin_us <= 0:
        raise ConfigError(f"bin_s = {bin_s} s", "it is not positive", "State a width, e.g. 0.025.")
    return max(int((length_s * US_PER_S + 1) // bin_us), 1) * bin_us / US_PER_S


def _checked(length_s: float, bin_s: float, name: str) -> float:
    """Return a length that is a whole, positive number of bins."""
    bin_us, length_us = whole_microseconds(bin_s, "bin_s"), whole_microseconds(length_s, name)
    if bin_us <= 0 or length_us <= 0 or length_us % bin_us:
        raise ConfigError(
            f"{name} = {length_s} s", f"it is no whole, positive number of bins of {bin_s} s", "State another."
        )
    return length_us / US_PER_S
