"""Stimulus presentations of an Allen NWB file, in AllenSDK's order and under its names.

Contains the reader of ``/intervals/*_presentations``. Add a stimulus name or parameter name here when a release brings
one. Presentations are marked, never dropped: which of them an analysis uses is decided where windows and tensors are
made.

What agrees with AllenSDK 2.16.2 (`EcephysSession.stimulus_presentations`): rows, order and id, names, times, block and
parameters. What differs, on purpose: a parameter that does not apply is NaN or null (AllenSDK: the text ``null``); a
float column of 0 and 1 stays float (AllenSDK: boolean or object); a presentation that overlaps a ``stimulus`` invalid
interval keeps its name and parameters and has ``valid`` False (AllenSDK: ``invalid_presentation``, all else NaN).
For Visual Behavior AllenSDK's `BehaviorEcephysSession` leaves upstream's names; here both releases have the same names
for the same stimuli and parameters (``gabors``, ``flashes``, ``x_position``), and -99 is NaN.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Note
from nh_platform.session.tables.events import PRESENTATIONS
from nh_platform.sources.allen.nwb.nwb_file import NULL_TEXTS, NwbFile, plain_columns, ragged_columns

INTERVALS = "intervals"
SUFFIX = "_presentations"
IGNORED_COLUMNS = frozenset({"id", "tags", "timeseries"})

TEXT_PARAMETERS = frozenset({"phase", "size", "units", "mask", "color_triplet", "image_name"})
"""Parameters that are text in every session, also where one session happens to hold only numbers."""

# Names of stimuli and parameters before and after AllenSDK's clean-up (stimulus_table/_schemas.py, 2.16.2).
STIMULUS_NAMES = {
    "": "spontaneous",
    "Natural Images": "natural_scenes",
    "flash_250ms": "flashes",
    "gabor_20_deg_250ms": "gabors",
    "contrast_response": "drifting_gratings_contrast",
    "Natural_Images_Shuffled": "natural_scenes_shuffled",
    "Natural_Images_Sequential": "natural_scenes_sequential",
    "motion_stimulus": "dot_motion",
    "drifting_gratings_more_repeats": "drifting_gratings_75_repeats",
    "signal_noise_test_0_200_repeats": "test_movie_one",
    "signal_noise_test_0": "test_movie_one",
    "signal_noise_test_1": "test_movie_two",
    **{
        f"signal_noise_session_{number}": f"dense_movie_{word}"
        for number, word in enumerate(("one", "two", "three", "four", "five", "six"), start=1)
    },
}
PARAMETER_NAMES = {
    "Contrast": "contrast",
    "Ori": "orientation",
    "SF": "spatial_frequency",
    "TF": "temporal_frequency",
    "Phase": "phase",
    "Color": "color",
    "Image": "frame",
    "Pos_x": "x_position",
    "Pos_y": "y_position",
    # Visual Behavior's own names for the same parameters.
    "position_x": "x_position",
    "position_y": "y_position",
}
NULL_INTEGER = -99
NULLABLE_INTEGERS = frozenset(
    {
        "flashes_since_change",
        "image_index",
        "movie_frame_index",
        "movie_repeat",
        "repeat",
        "stimulus_index",
        "trials_id",
    }
)
"""Whole-number columns in which -99 stands for "no value" (AllenSDK 2.16.2, `Presentations`)."""
OMISSION_S = 0.25
"""Length of an omission where the file states no end (AllenSDK, `fill_missing_values_for_omitted_flashes`)."""
NUMBER_WORDS = dict(enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), start=1))
MOVIE = re.compile(r"natural_movie_(\d+|one|two|three|four|five|six|seven|eight|nine)")
SHUFFLED_MOVIE = "natural_movie_shuffled"
COLOR_TRIPLET = re.compile(r"\[(-{0,1}\d*\.\d*,\s*)*(-{0,1}\d*\.\d*)\]")


def read_presentations(nwb: NwbFile, invalid_times: pd.DataFrame) -> tuple[pd.DataFrame | None, list[Note]]:
    """Return every stimulus presentation, sorted by start time, or None where the file has none.

    Parameters
    ----------
    nwb
        The open file.
    invalid_times
        Schema `INVALID_TIMES`; intervals with scope ``stimulus`` make overlapping presentations not valid, ends
        included.

    Returns
    -------
    table
        Schema `PRESENTATIONS`. ``presentation_id`` is AllenSDK's ``stimulus_presentation_id``. Parameters are
        float64, or text where their values are (``phase`` and ``size`` always: ``[3644.93, 3644.93]``). Columns
        after the fixed ones are sorted by name, so that they do not depend on which stimulus came first.
    notes
        Columns that were left out because they hold more than one value per row.

    Raises
    ------
    BadUpstreamData
        If a time is NaN, or shuffled movies cannot be assigned to a movie.
    """
    found = sorted(name for name in nwb.handle.get(INTERVALS, {}) if name.endswith(SUFFIX))
    if not found:
        return None, [Note("presentations", "no stimulus presentations in the NWB file")]
    parts, notes = [], []
    for name in found:
        part, left_out = _read_stimulus(nwb, f"{INTERVALS}/{name}")
        parts.append(part)
        if left_out:
            notes.append(
                Note("presentations", f"{name}: more than one value per row in {', '.join(left_out)}; left out")
            )
    # Empty parts have no dtype to contribute, and pandas warns of them.
    filled = [part for part in parts if len(part)] or parts[:1]
    table = pd.concat(filled, ignore_index=True, sort=False)
    if "omitted" in table:
        open_ended = table["stop_time"].isna() & (table["omitted"] == 1)
        table["stop_time"] = table["stop_time"].where(~open_ended, table["start_time"] + OMISSION_S)
    times = table[["start_time", "stop_time"]].to_numpy(dtype=np.float64)
    if not np.isfinite(times).all():
        raise nwb.bad(f"{int((~np.isfinite(times)).any(axis=1).sum())} presentations have a start or stop time of NaN")
    table["stimulus_name"] = _standard_names(nwb, table["stimulus_name"])
    table = table.sort_values("start_time", kind="stable", ignore_index=True)
    if "color" in table:
        table["color"], table["color_triplet"] = _split_color(table["color"], table.get("color_triplet"))
    fixed = ["start_time", "stop_time", "stimulus_name"]
    clean = {name: _one_dtype(name, table[name]) for name in sorted(table.columns) if name not in fixed}
    out = pd.DataFrame({**{name: table[name] for name in fixed}, **clean})
    out.insert(0, "presentation_id", np.arange(len(out), dtype=np.int64))
    out["valid"] = _valid(out, invalid_times)
    return PRESENTATIONS.conform(out), notes


def _read_stimulus(nwb: NwbFile, table: str) -> tuple[pd.DataFrame, list[str]]:
    """Return one interval table under the standard column names, and the columns that were left out."""
    columns = plain_columns(nwb, table)
    group = nwb.group(table)
    known = {*columns, *ragged_columns(group).values(), *IGNORED_COLUMNS}
    left_out = sorted(name for name in group if name not in known)
    missing = [name for name in ("start_time", "stop_time") if name not in columns]
    if missing:
        raise nwb.bad(f"{table} lacks {', '.join(missing)}")
    # AllenSDK: a row without a name is spontaneous activity.
    names = columns.pop("stimulus_name", np.full(len(columns["start_time"]), "", dtype=object))
    out: dict[str, Any] = {"stimulus_name": names}
    for name, values in columns.items():
        if name in IGNORED_COLUMNS:
            continue
        name = PARAMETER_NAMES.get(name, name)
        values = _nulls(values) if values.dtype == object else values.astype(np.float64)
        if name in NULLABLE_INTEGERS and values.dtype != object:
            values = np.where(values == NULL_INTEGER, np.nan, values)
        # "Ori" and "orientation" in one table are one parameter, as in AllenSDK's collapse_columns.
        out[name] = values if name not in out else pd.Series(out[name]).combine_first(pd.Series(values)).to_numpy()
    return pd.DataFrame(out), left_out


def _nulls(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.array([None if text in NULL_TEXTS else text for text in values.tolist()], dtype=object)


def _standard_names(nwb: NwbFile, names: pd.Series) -> pd.Series:
    """Return AllenSDK's names: movie numbers as words, shuffled movies with their movie, older names replaced."""
    renamed = {}
    for name in names.unique():
        text = "" if name in NULL_TEXTS else str(name)
        if MOVIE.search(text):
            text = re.sub(r"\d+", lambda found: NUMBER_WORDS.get(int(found[0]), found[0]), text)
        renamed[name] = text
    if any(name.startswith(SHUFFLED_MOVIE) for name in renamed.values()):
        movies = sorted({found[1] for found in map(MOVIE.search, renamed.values()) if found})
        if len(movies) != 1:
            raise nwb.bad(f"{SHUFFLED_MOVIE} cannot be assigned: movies of this session are {movies or 'none'}")
        for name, text in renamed.items():
            if text.startswith(SHUFFLED_MOVIE):
                renamed[name] = f"natural_movie_{movies[0]}_shuffled"
    return names.map({name: STIMULUS_NAMES.get(text, text) for name, text in renamed.items()}).astype(object)


def _split_color(color: pd.Series, triplet: pd.Series | None) -> tuple[pd.Series, pd.Series]:
    """Split the two parameters in ``color``: a level of -1 or 1, and RGB triplets such as ``[1.0, 1.0, 1.0]``."""
    is_triplet = color.map(lambda value: isinstance(value, str) and COLOR_TRIPLET.match(value) is not None).astype(bool)
    triplets = pd.Series([None] * len(color), dtype=object, index=color.index) if triplet is None else triplet
    return color.where(~is_triplet, None), triplets.astype(object).where(~is_triplet, color)


def _one_dtype(name: str, values: pd.Series) -> pd.Series:
    """Return a parameter as float64, or as text where it is a text parameter or any value is no number."""
    if name not in TEXT_PARAMETERS:
        if values.dtype.kind == "f":
            return values.astype(np.float64)
        numbers = pd.to_numeric(values, errors="coerce")
        if not (numbers.isna() & values.notna()).any():
            return numbers.astype(np.float64)
    texts = [None if pd.isna(value) else value if isinstance(value, str) else repr(float(value)) for value in values]
    return pd.Series(texts, index=values.index, dtype=object)


def _valid(presentations: pd.DataFrame, invalid_times: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return False where a presentation overlaps an invalid interval of the stimulus; touching is overlapping."""
    start, stop = presentations["start_time"].to_numpy(), presentations["stop_time"].to_numpy()
    valid = np.ones(len(presentations), dtype=bool)
    for bad in invalid_times[invalid_times["scope"] == "stimulus"].itertuples():
        valid &= ~((start <= bad.stop_time) & (stop >= bad.start_time))
    return valid
