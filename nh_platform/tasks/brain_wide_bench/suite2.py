"""Suite 2: the counts of hidden units, and of the next 100 ms.

Contains both tasks. Their windows are `window_strides`, their units `unit_choice` and `held_out_units`, their splits
`splits`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.recorded_time import spikes_of_recording
from nh_platform.tasks.brain_wide_bench.held_out_units import held_out_units
from nh_platform.tasks.brain_wide_bench.spike_counts import BIN_S, INVALID, N_BINS, recorded_well
from nh_platform.tasks.brain_wide_bench.splits import check_splits, suite2_ranges
from nh_platform.tasks.brain_wide_bench.trials import WINDOW_S, benchmark_trials
from nh_platform.tasks.brain_wide_bench.unit_choice import selected_units
from nh_platform.tasks.brain_wide_bench.window_strides import WindowStrides
from nh_platform.tasks.lacking import lacking, says_what_lacks
from nh_platform.tasks.task import TaskData
from nh_platform.windows.splits.time_ranges import Ranges

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

N_FORECAST = 5
"""Bins that are forecast: the last 0.1 of 1 s (``FORECAST_RATIO``)."""

_FUTURE = slice(N_BINS - N_FORECAST, N_BINS)


@says_what_lacks
def co_smoothing(
    session: SessionView, qc_labels: pd.DataFrame | None = None, split: Literal["val", "test"] = "test"
) -> TaskData:
    """``ts2-co_smoothing``: counts of hidden units from those of the others in the same second.

    Windows: 1 s at a stride of 20 ms within the spans of the valid trials; the last one of a span ends with it. Target:
    counts (50, k) of the k = max(1, round(0.1 n)) hidden units. Units: the selected ones. Split: chunks of 5 minutes in
    the order train, test, train, val, test; none of a window that overlaps invalid time of the session or of a selected
    unit's probe.

    Parameters
    ----------
    session
        The session.
    qc_labels
        The benchmark's ``bwm_qc.csv``; a note says where there is none.
    split
        Which units are hidden: those for ``test``, or those for ``val``, as in ``tuning`` of the result;
        some units may be both.

    Raises
    ------
    TargetMissing
        If the session has no valid trials or spikes, its release states no labels and rates of units, fewer than two
        units are selected, or nothing trains or tests. Where no window is of ``val``, a note says so.
    """
    data, strides = _windows(session, "ts2-co_smoothing", qc_labels)
    ids = data.input_ids
    if len(ids) < 2:
        raise lacking(session, "one unit is selected: none is left to read when it is hidden", "Leave the session out.")
    hidden = held_out_units([str(unit) for unit in ids], split)
    shown, predicted = np.flatnonzero(~hidden), np.flatnonzero(hidden)
    return replace(
        data,
        inputs=strides.counts(units=shown),
        outputs=_as_floats(strides.counts(units=predicted)),
        input_ids=ids[shown],
        target_ids=ids[predicted],
        timestamps=_centres(slice(None)),
        mask=np.ones((len(data), N_BINS), dtype=bool),
        tuning=partial(co_smoothing, session, qc_labels, "val") if split == "test" else None,
    )


@says_what_lacks
def forecasting(session: SessionView, qc_labels: pd.DataFrame | None = None) -> TaskData:
    """``ts2-forecasting``: counts of every unit in the last 100 ms of a second from the 900 ms before.

    Target: counts (5, n_units) of the last 5 of 50 bins, which are 0 in the inputs. Windows, units, split, parameters
    and errors as of `co_smoothing`.
    """
    data, strides = _windows(session, "ts2-forecasting", qc_labels)
    whole = strides.counts()

    def past(rows: IntArray) -> npt.NDArray[np.uint8]:
        counts = whole(rows)
        counts[:, _FUTURE] = 0
        return counts

    return replace(
        data,
        inputs=past,
        outputs=_as_floats(strides.counts(bins=_FUTURE)),
        target_ids=data.input_ids,
        timestamps=_centres(_FUTURE),
        mask=np.ones((len(data), N_FORECAST), dtype=bool),
    )


def _windows(session: SessionView, task: str, qc_labels: pd.DataFrame | None) -> tuple[TaskData, WindowStrides]:
    """Return the windows of a session without inputs and outputs, and their counts."""
    trials = benchmark_trials(session)
    chosen, notes = selected_units(session, qc_labels)
    rows = np.flatnonzero(chosen)
    recorded = spikes_of_recording(session.spikes).take(rows).time_range
    spikes = session.valid_spikes.spikes.take(rows)
    if not len(spikes.times):
        raise lacking(session, "its selected units have no spikes", "Leave the session out.")
    ranges = suite2_ranges(recorded, trials.spans)
    stretches, split = _stretches(trials.spans, ranges)
    for name in ("train", "test"):
        if name not in split:
            found = f"no trial lies in a chunk of {name}: it is too short for chunks of 5 minutes"
            raise lacking(session, found, "Leave the session out.")
    strides = WindowStrides(spikes, stretches)
    valid = recorded_well(session, strides.starts, rows)
    left_out = dict(trials.left_out)
    if not valid.all():
        left_out[INVALID] = int((~valid).sum())
    left_out["units that are not selected"] = int((~chosen).sum())
    of_window = np.where(valid, split[strides.stretch], "")
    # A window in invalid time stays and is in no split: rows are numbers of windows.
    data = TaskData(
        task=task,
        source=session.source,
        session_id=session.session_id,
        row_ids=np.arange(len(strides), dtype=np.int64),
        starts=strides.starts,
        window_s=WINDOW_S,
        bin_s=BIN_S,
        inputs=strides.counts(),
        outputs=strides.counts(),
        input_ids=session.units["unit_id"].to_numpy(dtype=object)[rows],
        timestamps=np.zeros(0),
        n_valid=int((split[strides.stretch] == "test").sum()),
        mask=np.zeros((len(strides), 0), dtype=bool),
        split=of_window,
        left_out={reason: number for reason, number in left_out.items() if number},
        notes=(*notes, *check_splits(session, of_window, left_out)),
    )
    return data, strides


def _stretches(spans: FloatArray, ranges: Ranges) -> tuple[FloatArray, npt.NDArray[np.object_]]:
    """Return the parts (n, 2) of trials' spans that lie in a split, and the split of each, in order of time."""
    found: list[tuple[float, float, str]] = []
    for name, chunks in ranges.items():
        for start, stop in chunks:
            inside = np.clip(spans, start, stop)
            found += [(float(low), float(high), name) for low, high in inside[inside[:, 1] > inside[:, 0]]]
    found.sort()
    times = np.array([one[:2] for one in found], dtype=np.float64).reshape(-1, 2)
    return times, np.array([one[2] for one in found], dtype=object)


def _as_floats(
    counts: Callable[[IntArray], npt.NDArray[np.uint8]],
) -> Callable[[IntArray], npt.NDArray[np.float32]]:
    return lambda rows: counts(rows).astype(np.float32)


def _centres(bins: slice) -> FloatArray:
    centres: FloatArray = (np.arange(N_BINS, dtype=np.float64) + 0.5) * BIN_S
    return centres[bins]
