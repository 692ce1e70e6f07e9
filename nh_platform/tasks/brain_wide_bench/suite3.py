"""Suite 3: in which of ten regions a unit lies.

Contains the task, and what a linear model may read of a unit. Which units it is about is `unit_choice`, and means over
neighbours, the benchmark's second way to score, are `multi_unit`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.tasks.brain_wide_bench.qc_labels import ALIGNMENT, not_applied
from nh_platform.tasks.brain_wide_bench.unit_choice import of_probes, selected_units
from nh_platform.tasks.lacking import lacking, says_what_lacks
from nh_platform.tasks.task import TaskData
from nh_platform.windows.splits import load_reserved

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

FloatArray = npt.NDArray[np.float64]

REGIONS = ("CB", "CNU", "CTXsp", "HB", "HPF", "HY", "Isocortex", "MB", "OLF", "TH")
"""Cosmos regions in the order of the classes (``COSMOS_LABELS`` of ``ibl-bwb-eval`` 0.1.0)."""

UnitFeatures = Literal["intervals", "unit_embeddings"]
"""What a model may read of a unit."""

INTERVALS: UnitFeatures = "intervals"
UNIT_EMBEDDINGS: UnitFeatures = "unit_embeddings"

_PLACE = re.compile(r"depth(_.*)?|(.*_)?(region|atlas|allen|beryl|cosmos|ccf)(_.*)?")
"""Features of `unit_embeddings` that say where a unit is, which is what is asked."""

_SCALARS = ("firing_rate_log10", "amplitude_log10", "peak_to_trough")


@says_what_lacks
def unit_cosmos(
    session: SessionView, qc_labels: pd.DataFrame | None = None, features: UnitFeatures = INTERVALS
) -> TaskData:
    """``ts3-unit_cosmos``: in which of ten Cosmos regions a unit lies, from the whole session.

    Rows: the selected units whose probe's ``qc_neural_alignment`` is PASS and whose region is one of the ten (``void``
    and ``root`` are none). Split, of the whole session: ``test`` for the benchmark's 29 sessions, none for the 7 other
    ones of their 13 animals, ``train`` for all others; of these, probes whose ``qc_neural`` is WARNING count too.

    Inputs are what a linear model may read of a unit, without NaN: the share of its inter-spike intervals in each of 60
    bins of equal width on a logarithmic scale from 0.1 ms to 100 s (`isi_histograms`), log10 of rate (Hz) and amplitude
    (V), and the signed duration from peak to trough (ms); what is not known of a unit is the median of the others.

    Parameters
    ----------
    session
        The session.
    qc_labels
        The benchmark's ``bwm_qc.csv``; notes say which labels were not applied where there is none.
    features
        ``intervals``: those above. ``unit_embeddings``: the features of the stored asset in their place, as they are,
        but for depth and regions; what is undefined of a unit is the median of the others, 0 where it is of none.

    Raises
    ------
    TargetMissing
        If its units have no regions, the release states no labels and rates, or no unit is left.
    """
    reserved = load_reserved("brain-wide-bench")
    is_test = session.session_id in reserved.sessions
    is_of_no_split = not is_test and session.info.subject in reserved.subjects
    chosen, notes = selected_units(session, qc_labels, trains=not is_test)
    units, intervals = session.units, session.isi_histograms.counts
    regions = units["cosmos"]
    if regions.isna().all():
        found = "its units have no region: the track of its probes is not resolved"
        raise lacking(session, found, "Leave the session out, or wait for its alignment.")
    aligned, placed = of_probes(session, qc_labels, ALIGNMENT), regions.isin(REGIONS).to_numpy(dtype=bool)
    left_out = {
        "units that are not selected": int((~chosen).sum()),
        "on a probe whose alignment does not pass": int((chosen & ~aligned).sum()),
        "in none of the ten regions": int((chosen & aligned & ~placed).sum()),
    }
    rows = np.flatnonzero(chosen & aligned & placed)
    if not len(rows):
        raise lacking(session, "none of its selected units lies in one of the ten regions", "Leave the session out.")
    classes = np.array([REGIONS.index(region) for region in regions.iloc[rows]], dtype=np.int64)
    if features == UNIT_EMBEDDINGS:
        values, names = _of_embeddings(session, units["unit_id"].iloc[rows])
        notes = (*notes, f"inputs are unit embeddings of the reference window {session.embeddings_window.id}")
    else:
        values = _features(units.iloc[rows], intervals[rows])
        names = [*(f"isi_{bin_}" for bin_ in range(intervals.shape[1])), *_SCALARS]
    split = "test" if is_test else "" if is_of_no_split else "train"
    whole_s = session.spikes.recorded_time.duration_s
    return TaskData(
        task="ts3-unit_cosmos",
        source=session.source,
        session_id=session.session_id,
        row_ids=rows.astype(np.int64),
        starts=np.full(len(rows), np.nan),
        window_s=whole_s,
        bin_s=whole_s,
        inputs=values.__getitem__,
        outputs=classes.__getitem__,
        input_ids=np.array(names, dtype=object),
        timestamps=np.zeros(0),
        mask=np.ones(len(rows), dtype=bool),
        split=np.full(len(rows), split, dtype=object),
        label_names=REGIONS,
        target_ids=units["unit_id"].to_numpy(dtype=object)[rows],
        target_depths=units["depth"].to_numpy(dtype=np.float64)[rows],
        target_probes=units["probe"].to_numpy(dtype=object)[rows],
        left_out={reason: number for reason, number in left_out.items() if number},
        notes=(*notes, *((not_applied(ALIGNMENT),) if qc_labels is None else ())),
    )


def _features(units: pd.DataFrame, intervals: npt.NDArray[np.int64]) -> FloatArray:
    """Return (n, 63) float64 without NaN."""
    shares = intervals / np.maximum(intervals.sum(axis=1, keepdims=True), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scalars = np.column_stack(
            [
                np.log10(units["released.firing_rate"].to_numpy(dtype=np.float64)),
                np.log10(units["amplitude"].to_numpy(dtype=np.float64)),
                units["peak_to_trough"].to_numpy(dtype=np.float64),
            ]
        )
    return np.column_stack([shares, _with_medians(scalars)])


def _of_embeddings(session: SessionView, unit_ids: pd.Series) -> tuple[FloatArray, list[str]]:
    """Return (n, n_features) float64 without NaN, and the names of the features."""
    table = session.embeddings.set_index("unit_id").loc[unit_ids].select_dtypes("floating")
    names = [str(name) for name in table if not _PLACE.fullmatch(str(name))]
    return _with_medians(table[names].to_numpy(dtype=np.float64)), names


def _with_medians(values: FloatArray) -> FloatArray:
    """Return columns with the median of what is known in place of what is not; 0 where nothing is."""
    filled = values.copy()
    for column in filled.T:
        known = np.isfinite(column)
        column[~known] = np.median(column[known]) if known.any() else 0.0
    return filled
