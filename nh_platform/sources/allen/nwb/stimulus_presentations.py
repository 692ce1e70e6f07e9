"""Stimulus presentations of an Allen NWB file, in AllenSDK's order and under its names.

Contains the reader of ``/intervals/*_presentations``. Add a stimulus name or parameter name here when a release brings
one. Presentations are marked, never dropped but for those without a start: which of them an analysis uses is decided
where windows and tensors are made.

What agrees with AllenSDK 2.16.2 (`EcephysSession.stimulus_presentations`): rows, order and id, names, times, block and
parameters. What differs, on purpose: a parameter that does not apply is NaN or null (AllenSDK: the text ``null``); a
float column of 0 and 1 stays float (AllenSDK: boolean or object); a presentation that overlaps a ``stimulus`` invalid
interval keeps its name and parameters and has ``valid`` False (AllenSDK: ``invalid_presentation``, all else NaN).
For Visual Behavior AllenSDK's `BehaviorEcephysSession` leaves upstream's names; here both releases have the same names
for the same stimuli and parameters (``gabors``, ``flashes``, ``x_position``), and -99 is NaN.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.presentation_overlap import PRESENTATION_OVERLAP_S, slight_overlaps
from nh_platform.session.tables.events import PRESENTATIONS
from nh_platform.sources.nwb.nwb_file import NULL_TEXTS, NwbFile, is_numeric, member, ragged_columns
from nh_platform.sources.nwb.nwb_table import NwbTable, read_table
from nh_platform.sources.nwb.standard_names import INTERVALS

SUFFIX = "_presentations"
IGNORED_COLUMNS = frozenset({"id", "tags", "timeseries"})
OURS = frozenset({"presentation_id", "valid"})
"""Columns of schema `PRESENTATIONS` that no file states."""

TEXT_PARAMETERS = frozenset({"phase", "size", "units", "mask", "color_triplet", "image_name"})
"""Parameters that are text in every session, also where one session happens to hold only numbers."""
NAMES = frozenset({"image_name"})
"""Those of them that are no number in any file."""

NUMBER_PARAMETERS = frozenset(
    {"contrast", "frame", "orientation", "stimulus_block", "stimulus_index", "temporal_frequency", "x_position"}
    | {"y_position", "opacity", "duration", "start_frame", "end_frame", "image_index", "flashes_since_change"}
    | {"trials_id", "omitted", "active", "is_change", "is_sham_change", "is_image_novel", "rewarded"}
)
"""Parameters that are numbers in every session, as numbers or (in files that mix stimuli) as their texts."""

LISTED_PARAMETERS = frozenset({"color", "phase", "size", "spatial_frequency"})
"""Parameters that are a number or a list of numbers in every session, as text where any is a list."""
_NUMBER = r"(nan|[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)"
NUMBER_OR_LIST = re.compile(rf"{_NUMBER}|\[\s*{_NUMBER}([,\s]\s*{_NUMBER})*\s*\]")

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


class _Stimulus(NamedTuple):
    """One interval table under the standard column names, and which of its rows are as they should be."""

    table: pd.DataFrame
    whole: npt.NDArray[np.bool_]


def read_presentations(nwb: NwbFile, invalid_times: pd.DataFrame) -> pd.DataFrame | None:
    """Return every stimulus presentation, sorted by start time, or None where the file has none.

    A row without an end, with an end at or before its start, or that overlaps another one of its stimulus stays and is
    not valid; one without a start is left out, one that reaches slightly into the next stays as it is. A column that
    cannot be used is missing for its stimulus alone, and a table without usable starts leaves the other stimuli. Notes
    name and count them, and name the columns that were left out because they hold more than one value per row.

    Parameters
    ----------
    nwb
        The open file.
    invalid_times
        Schema `INVALID_TIMES`; intervals with scope ``stimulus`` make overlapping presentations not valid, ends
        included.

    Returns
    -------
    pandas.DataFrame
        Schema `PRESENTATIONS`. ``presentation_id`` is AllenSDK's ``stimulus_presentation_id``. Parameters are
        float64, or text where their values are (``phase`` and ``size`` always: ``[3644.93, 3644.93]``). Columns
        after the fixed ones are sorted by name, so that they do not depend on which stimulus came first.
    """
    tables = [name for name in nwb.names(INTERVALS) if name.endswith(SUFFIX)]
    if not tables:
        nwb.note("presentations", "no stimulus presentations in the NWB file")
    read = [nwb.optional("presentations", _read_stimulus, nwb, f"{INTERVALS}/{name}") for name in tables]
    found = [part for part in read if part is not None]
    if not found:
        return None
    # Empty parts have no dtype to contribute, and pandas warns of them.
    filled = [part for part in found if len(part.table)] or found[:1]
    table = pd.concat([part.table for part in filled], ignore_index=True, sort=False)
    names, assigned = _standard_names(nwb, table["stimulus_name"])
    whole = np.concatenate([part.whole for part in filled]) & assigned
    order = np.argsort(table["start_time"].to_numpy(), kind="stable")
    table, whole = table.assign(stimulus_name=names).iloc[order].reset_index(drop=True), whole[order]
    if "color" in table:
        table["color"], table["color_triplet"] = _split_color(table["color"], table.get("color_triplet"))
    fixed = ["start_time", "stop_time", "stimulus_name"]
    clean = {name: _one_dtype(name, table[name]) for name in sorted(table.columns) if name not in fixed}
    out = pd.DataFrame({**{name: table[name] for name in fixed}, **clean})
    out.insert(0, "presentation_id", np.arange(len(out), dtype=np.int64))
    out["valid"] = _valid(out, invalid_times) & whole
    return PRESENTATIONS.conform(out)


def _read_stimulus(nwb: NwbFile, path: str) -> _Stimulus:
    """Return one interval table.

    Raises
    ------
    BadUpstreamData
        If it has no usable start times.
    """
    stated = read_table(nwb, path, "presentations", key="start_time", ignored=IGNORED_COLUMNS, reserved=OURS)
    group = nwb.group(path)
    known = {*stated.columns, *stated.left_out, *ragged_columns(group).values(), *IGNORED_COLUMNS}
    if wide := sorted(name for name in group if name not in known and member(group, name) is not None):
        table = path.rpartition("/")[2]
        nwb.note("presentations", f"{table}: more than one value per row in {', '.join(wide)}; left out")
    out: dict[str, Any] = {"start_time": stated.required("start_time"), "stop_time": stated.numbers("stop_time")}
    out["stimulus_name"] = _stated_names(stated)
    for name, values in stated.columns.items():
        if name in out or name in IGNORED_COLUMNS:
            continue
        new = PARAMETER_NAMES.get(name, name)
        read = _parameter(stated, name, new, values)
        if read is None:
            continue
        # "Ori" and "orientation" in one table are one parameter, as in AllenSDK's collapse_columns.
        out[new] = read if new not in out else pd.Series(out[new]).combine_first(pd.Series(read)).to_numpy()
    return _timed(stated, pd.DataFrame(out))


def _stated_names(stated: NwbTable) -> npt.NDArray[Any]:
    """Return the name of every row; that of the table, with a note, where the column cannot be used."""
    names = stated.columns.get("stimulus_name")
    if names is not None and not is_numeric(names):
        return names  # a row without one is spontaneous activity, as in AllenSDK
    table = stated.path.rpartition("/")[2].removesuffix(SUFFIX)
    stated.note("stimulus_name", f"no texts, one per row; every row is named by its table, {table}")
    return np.full(stated.n_rows, table, dtype=object)


def _parameter(stated: NwbTable, name: str, new: str, values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Return a parameter with its nulls, or None and a note where it is of another kind than everywhere else."""
    if is_numeric(values):
        if new in NAMES:
            stated.note(name, "numbers, expected texts; null")
            return None
        values = values.astype(np.float64)
        if len(values) and np.isnan(values).all():
            stated.note(name, f"no value in any of {len(values)} rows")
        return np.where(values == NULL_INTEGER, np.nan, values) if new in NULLABLE_INTEGERS else values
    texts = _nulls(values)
    stated_texts = [text for text in texts if text is not None]
    if len(texts) and not stated_texts:
        stated.note(name, f"no value in any of {len(texts)} rows")
    if new in NUMBER_PARAMETERS and pd.to_numeric(pd.Series(stated_texts, dtype=object), errors="coerce").isna().any():
        stated.note(name, "texts that are no numbers; NaN")
        return None
    if new in LISTED_PARAMETERS and not all(map(NUMBER_OR_LIST.fullmatch, map(str.strip, set(stated_texts)))):
        stated.note(name, "texts that are neither numbers nor lists of numbers; null")
        return None
    return texts


def _timed(stated: NwbTable, table: pd.DataFrame) -> _Stimulus:
    """Return the rows that have a start, and which of them have an end and do not overlap; notes count the others."""
    if "omitted" in table:
        open_ended = table["stop_time"].isna() & (table["omitted"] == 1)
        table["stop_time"] = table["stop_time"].where(~open_ended, table["start_time"] + OMISSION_S)
    n_rows, started = len(table), np.isfinite(table["start_time"]).to_numpy()
    if not started.all():
        stated.note("start_time", f"no time in {int((~started).sum())} of {n_rows} rows; left out")
        table = table[started].reset_index(drop=True)
    start = table["start_time"].to_numpy()
    if (np.diff(start) < 0).any():
        stated.note("start_time", "rows are not in order of time; sorted")
    stop = table["stop_time"].where(np.isfinite(table["stop_time"])).to_numpy()
    table["stop_time"] = stop
    endless, reversed_ = np.isnan(stop), stop <= start
    late = slight_overlaps(start, stop)
    if late.any():
        found = (
            f"later than the next row's start_time by at most {late.max():.4f} s in {int((late > 0).sum())} of {n_rows}"
        )
        stated.note("stop_time", f"{found} rows, less than a tenth of either row; kept")
    overlapping = _overlapping(start, stop - late)
    for wrong, found in (
        (endless, "no time"),
        (reversed_, "a time at or before start_time"),
        (overlapping, "a time after the next row's start_time, or both start together,"),
    ):
        if wrong.any():
            stated.note("stop_time", f"{found} in {int(wrong.sum())} of {n_rows} rows; kept, not valid")
    return _Stimulus(table, ~(endless | reversed_ | overlapping))


def _overlapping(start: npt.NDArray[np.float64], stop: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which rows overlap the row before or after them in time.

    A row without an end overlaps one that starts with it. Neighbours alone are compared: one row whose end is far too
    late does not take all rows with it.
    """
    order = np.argsort(start, kind="stable")
    first, last = order[:-1], order[1:]
    overlap = (stop[first] - start[last] > PRESENTATION_OVERLAP_S) | (start[first] == start[last])
    found = np.zeros(len(start), dtype=bool)
    found[first[overlap]] = True
    found[last[overlap]] = True
    return found


def _nulls(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.array([None if text in NULL_TEXTS else text for text in values.tolist()], dtype=object)


def _standard_names(nwb: NwbFile, names: pd.Series) -> tuple[pd.Series, npt.NDArray[np.bool_]]:
    """Return AllenSDK's names, and False where a shuffled movie is not known, which keeps its name with a note.

    Movie numbers become words, shuffled movies get the name of the session's one movie, older names are replaced.
    """
    renamed, unknown = {}, set()
    for name in names.unique():
        text = "" if name in NULL_TEXTS else str(name)
        if MOVIE.search(text):
            text = re.sub(r"\d+", lambda found: NUMBER_WORDS.get(int(found[0]), found[0]), text)
        renamed[name] = text
    shuffled = [name for name, text in renamed.items() if text.startswith(SHUFFLED_MOVIE)]
    if shuffled:
        movies = sorted({found[1] for found in map(MOVIE.search, renamed.values()) if found})
        if len(movies) == 1:
            renamed |= dict.fromkeys(shuffled, f"natural_movie_{movies[0]}_shuffled")
        else:
            unknown = set(shuffled)
            count, which = int(names.isin(unknown).sum()), ", ".join(movies) or "none"
            text = (
                f"{count} rows of {SHUFFLED_MOVIE}: movies of this session are {which}, expected one; kept, not valid"
            )
            nwb.note("presentations", f"{INTERVALS}: {text}")
    standard = names.map({name: STIMULUS_NAMES.get(text, text) for name, text in renamed.items()}).astype(object)
    return standard, ~names.isin(unknown).to_numpy()


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
