"""Counts and signals of a stored session per stimulus presentation: which stimulus, which bins, which units.

Contains the choice of presentations and the labelled result. Add here what a person may say to choose them. The
counting is `nh_platform.windows.presentations`; whole stimulus types in fixed bins are the asset `stimulus_tensors`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.stimulus.cleaning import check_overlap, unknown_stimulus
from nh_platform.session import Signal, Spikes
from nh_platform.windows.presentations import (
    PresentationCounts,
    count_in_presentations,
    even_edges,
    presentation_means,
)


def choose_presentations(presentations: pd.DataFrame, stimulus: str) -> pd.DataFrame:
    """Return the rows of a stimulus, without those in invalid times.

    Raises
    ------
    ConfigError
        If the session does not have the stimulus; the text names close ones.
    BadUpstreamData
        If rows overlap.
    """
    names = presentations["stimulus_name"]
    if stimulus not in set(names):
        raise unknown_stimulus(stimulus, names.unique())
    chosen = presentations[(names == stimulus) & presentations["valid"]].reset_index(drop=True)
    check_overlap(chosen, stimulus)
    return chosen


def stimulus_counts(
    spikes: Spikes,
    unit_ids: npt.NDArray[np.object_],
    presentations: pd.DataFrame,
    *,
    start: float,
    stop: float,
    bin_s: float,
    edges: npt.ArrayLike | None,
) -> PresentationCounts:
    """Count the spikes of units around presentations; see `SessionView.presentation_counts`."""
    used = even_edges(start, stop, bin_s) if edges is None else np.asarray(edges, dtype=np.float64)
    return PresentationCounts(
        counts=count_in_presentations(spikes, presentations["start_time"].to_numpy(), used),
        bin_edges=used,
        presentation_ids=presentations["presentation_id"].to_numpy(dtype=np.int64),
        unit_ids=unit_ids,
    )


def stimulus_means(signal: Signal, presentations: pd.DataFrame, start: float, stop: float) -> pd.DataFrame:
    """Average a signal over presentations; see `SessionView.presentation_means`."""
    values = presentation_means(signal, presentations["start_time"].to_numpy(), start, stop)
    index = pd.Index(presentations["presentation_id"].to_numpy(), name="presentation_id")
    return pd.DataFrame(values, columns=list(signal.columns), index=index)
