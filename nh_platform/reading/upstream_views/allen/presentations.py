"""Stimulus presentations of Visual Coding as AllenSDK shows them: ``null`` where a parameter does not apply.

Contains the table, its conditions, and what AllenSDK's `EcephysSession` makes of it: parameters in use, epochs,
intervals. Add here another of its tables of presentations. Counting of spikes is `spike_counts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

NULL = "null"
INVALID = "invalid_presentation"
"""Name of a presentation during an interval that is invalid for stimuli (2.16.2 `_mask_invalid_…`)."""

DETAILED = frozenset(
    {"colorSpace", "flipHoriz", "flipVert", "depth", "interpolate", "mask", "opacity", "rgbPedestal", "tex", "texRes"}
    | {"units", "rgb", "signalDots", "noiseDots", "fieldSize", "fieldShape", "fieldPos", "nDots", "dotSize", "dotLife"}
    | {"color_triplet"}
)
"""Parameters that AllenSDK shows on request only (2.16.2 `DETAILED_STIMULUS_PARAMETERS`)."""

NO_PARAMETERS = ("start_time", "stop_time", "duration", "stimulus_block", "stimulus_condition_id", "stimulus_name")
"""Columns that are no parameter of a stimulus."""

SHORTEST_SPONTANEOUS_S = 90.0


@dataclass(frozen=True)
class ShownStimuli:
    """Presentations of a session with all parameters, and the conditions among them.

    Parameters
    ----------
    presentations
        One row per presentation, index ``stimulus_presentation_id``.
    conditions
        One row per combination of parameters, index ``stimulus_condition_id``.
    """

    presentations: pd.DataFrame
    conditions: pd.DataFrame


def shown_stimuli(stored: pd.DataFrame, invalid: Iterable[tuple[float, float]]) -> ShownStimuli:
    """Return the presentations as `EcephysSession` builds them, from schema `PRESENTATIONS`.

    Parameters
    ----------
    stored
        Presentations of the session.
    invalid
        Start and stop (s) of intervals that are invalid for stimuli. A presentation that touches one is called
        ``invalid_presentation``, keeps its times, and all else is NaN.

    Returns
    -------
    ShownStimuli
        Times in s, ``duration`` float64, ``stimulus_condition_id`` int64 (float64 where one is invalid), all else
        object: numbers, texts, True and False where a parameter is only ever 0 or 1, and ``null``. Conditions are
        numbered as they first occur.
    """
    table = stored.drop(columns=["presentation_id", "valid", "stimulus_index"], errors="ignore")
    table.index = pd.Index(stored["presentation_id"].to_numpy(np.int64), name="stimulus_presentation_id")
    table = table.assign(**{name: _as_shown(table[name]) for name in table if name not in ("start_time", "stop_time")})
    table["duration"] = table["stop_time"] - table["start_time"]
    parameters = [name for name in table if name not in NO_PARAMETERS or name == "stimulus_name"]
    table["stimulus_condition_id"] = table.groupby(parameters, sort=False, dropna=False).ngroup().astype(np.int64)
    first = table.drop_duplicates("stimulus_condition_id").set_index("stimulus_condition_id")
    return ShownStimuli(_masked(table, list(invalid)), first[parameters])


def _as_shown(values: pd.Series) -> pd.Series:
    known = values.notna()
    shown = values.astype(object)
    # AllenSDK reads a column of nothing but 0, 1 and NaN as booleans (2.16.2 `Presentations.from_nwb`).
    if values.dtype.kind == "f" and known.any() and set(values[known].unique()) <= {0.0, 1.0}:
        shown = values.astype("boolean").astype(object)
    return shown.where(known, NULL)


def _masked(table: pd.DataFrame, invalid: list[tuple[float, float]]) -> pd.DataFrame:
    hit = np.zeros(len(table), dtype=bool)
    for start, stop in invalid:
        hit |= (np.maximum(table["start_time"], start) <= np.minimum(table["stop_time"], stop)).to_numpy()
    if not hit.any():
        return table
    kept = ("start_time", "stop_time", "stimulus_name")
    masked = table.assign(**{name: table[name].mask(hit, np.nan) for name in table if name not in kept})
    return masked.assign(stimulus_name=table["stimulus_name"].mask(hit, INVALID))


def without_details(table: pd.DataFrame) -> pd.DataFrame:
    """Return presentations without the parameters that are shown on request only."""
    return table.drop(columns=[name for name in table if name in DETAILED])


def without_unused(table: pd.DataFrame) -> pd.DataFrame:
    """Return presentations without the columns that are NaN, empty or ``null`` throughout."""
    unused = [name for name in table if table[name].isna().all() or set(table[name].astype(str)) in ({""}, {NULL})]
    return table.drop(columns=unused)


def parameter_values(table: pd.DataFrame, drop_nulls: bool) -> dict[str, npt.NDArray[np.object_]]:
    """Return the values that each parameter takes on, in the order of their first occurrence."""
    used = without_unused(table.drop(columns=list(NO_PARAMETERS)))
    found = {}
    for name in used:
        values = used[name].unique()
        is_null = np.array([isinstance(value, str) and value == NULL for value in values], dtype=bool)
        found[str(name)] = np.concatenate([values[~is_null], values[is_null][:1] if not drop_nulls else values[:0]])
    return found


def presentation_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Return the time (s) from the end of each presentation to the start of the next, by the ids of both."""
    names = ["from_presentation_id", "to_presentation_id"]
    index = pd.MultiIndex.from_arrays([table.index[:-1], table.index[1:]], names=names)
    gaps = table["start_time"].to_numpy()[1:] - table["stop_time"].to_numpy()[:-1]
    return pd.DataFrame({"interval": gaps}, index=index)


def stimulus_epochs(table: pd.DataFrame, shortest: Mapping[str, float] | None) -> pd.DataFrame:
    """Return the stretches of one stimulus block: start, stop and duration in s, stimulus, block.

    Parameters
    ----------
    table
        Presentations.
    shortest
        Least duration in s by stimulus name; ``spontaneous_activity`` 90 s where None, a name that no stimulus has
        had since AllenSDK calls it ``spontaneous``, so that none is left out.
    """
    block = table["stimulus_block"].map(lambda value: "NaN" if pd.isna(value) else value)
    number = (block != block.shift()).cumsum()
    runs = table.groupby(number, sort=True)
    epochs = pd.DataFrame(
        {
            "start_time": runs["start_time"].first(),
            "stop_time": runs["stop_time"].last(),
            "stimulus_name": runs["stimulus_name"].first(),
            "stimulus_block": [part["stimulus_block"].iloc[0] for _, part in runs],
        }
    ).reset_index(drop=True)
    epochs.insert(2, "duration", epochs["stop_time"] - epochs["start_time"])
    for name, least in ({"spontaneous_activity": SHORTEST_SPONTANEOUS_S} if shortest is None else shortest).items():
        epochs = epochs[(epochs["stimulus_name"] != name) | (epochs["duration"] >= least)]
    return epochs
