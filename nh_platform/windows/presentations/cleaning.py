"""From the presentations of a session to those that a data set can use: the seven steps, as pure functions.

1. `usable_stimuli` drops spontaneous activity, shuffled movies and presentations in invalid times, `faulty_rows` those
without an end and those that overlap. 2. `join_movies` joins movie frames to movies. 3. `median_durations` over all
sessions, 4. `regular` keeps durations near the median, 5. `blanks` finds presentations without a stimulus,
6. `filter_summary` counts, 7. the medians are written out. Add a step here. Nothing is binned here.

``mlynarski-compat`` joins frames wherever the frame number falls, so that two movies cut short by invalid times can
become one, and takes the sum of the frames for the duration. ``exact`` begins a movie wherever row, frame, stimulus or
block do not go on, and takes stop − start: what is cut short is seen as such and falls at step 4.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.session.tables.stimulus import STIMULUS_PRESENTATIONS
from nh_platform.windows.presentations.conventions import (
    EXCLUDED,
    PARAMETERS,
    WITH_BLANKS,
    Mode,
    is_movie,
    stimulus_type,
    tolerance_s,
)
from nh_platform.windows.presentations.faulty_rows import faulty_rows

BoolArray = npt.NDArray[np.bool_]

ALL_PARAMETERS = tuple(dict.fromkeys(name for names in PARAMETERS.values() for name in names))


def clean_presentations(presentations: pd.DataFrame, mode: Mode) -> pd.DataFrame:
    """Return steps 1, 2 and 5 of one session: movies whole, blanks marked, irregular durations still in.

    Parameters
    ----------
    presentations
        Schema `PRESENTATIONS`.
    mode
        How movies are joined.

    Returns
    -------
    pandas.DataFrame
        Schema `STIMULUS_PRESENTATIONS`, ascending by ``presentation_id``; a movie has the id of its first frame. The
        parameters of a stimulus (`PARAMETERS`) are float64, NaN where they do not apply or are no number.
    """
    stimuli = usable_stimuli(presentations)
    faulty = np.logical_or.reduce([found.rows for found in faulty_rows(stimuli)])
    joined = join_movies(stimuli[~faulty].reset_index(drop=True), mode)
    table = joined[["presentation_id", "stimulus_name", "stimulus_block", "start_time", "stop_time", "duration"]].copy()
    table.insert(2, "stimulus_type", [stimulus_type(name) for name in table["stimulus_name"]])
    table["n_frames"] = joined["n_frames"]
    for name in ALL_PARAMETERS:
        table[name] = _numbers(joined, name)
    table["blank"] = blanks(table)
    return STIMULUS_PRESENTATIONS.conform(table)


def usable_stimuli(presentations: pd.DataFrame) -> pd.DataFrame:
    """Return the presentations of stimuli: not spontaneous, shuffled or invalid, and of a known stimulus (step 1)."""
    names = presentations["stimulus_name"]
    excluded = names.str.contains("|".join(EXCLUDED), regex=True).astype(bool)
    valid = presentations["valid"].to_numpy(dtype=bool)
    return presentations[valid & ~excluded & names.isin(PARAMETERS)].reset_index(drop=True)


def unknown_stimuli(presentations: pd.DataFrame) -> dict[str, int]:
    """Return presentations by name of the stimuli that step 1 leaves out because their parameters are not known."""
    names = presentations.loc[presentations["valid"], "stimulus_name"]
    known = names.isin(PARAMETERS) | names.str.contains("|".join(EXCLUDED), regex=True).astype(bool)
    return {str(name): int(count) for name, count in names[~known].value_counts().sort_index().items()}


def not_valid_stimuli(presentations: pd.DataFrame) -> dict[str, int]:
    """Return presentations by name of the stimuli that step 1 leaves out because they were not shown as they should."""
    names = presentations.loc[~presentations["valid"].astype(bool), "stimulus_name"]
    return {str(name): int(count) for name, count in names[names.isin(PARAMETERS)].value_counts().sort_index().items()}


def join_movies(presentations: pd.DataFrame, mode: Mode) -> pd.DataFrame:
    """Return the table with every movie as one row, ``n_frames`` and ``duration`` (s) added (step 2).

    A movie has the id and block of its first frame, the first start and the last stop; its ``frame`` is NaN.
    """
    table = presentations.assign(
        duration=presentations["stop_time"] - presentations["start_time"],
        n_frames=np.ones(len(presentations), dtype=np.int64),
    )
    movie_rows = np.array([is_movie(name) for name in table["stimulus_name"]], dtype=bool)
    if not movie_rows.any():
        return table
    frames = table[movie_rows].copy()
    frames["movie"] = movie_numbers(frames, mode)
    movies = frames.groupby(["movie", "stimulus_name"], sort=True).agg(
        presentation_id=("presentation_id", "first"),
        stimulus_block=("stimulus_block", "first"),
        start_time=("start_time", "min"),
        stop_time=("stop_time", "max"),
        duration=("duration", "sum"),
        n_frames=("n_frames", "size"),
    )
    movies = movies.reset_index().drop(columns="movie")
    if mode == "exact":
        movies["duration"] = movies["stop_time"] - movies["start_time"]
    parts = [part for part in (table[~movie_rows], movies) if len(part)]
    return pd.concat(parts, ignore_index=True).sort_values("presentation_id", kind="stable", ignore_index=True)


def movie_numbers(frames: pd.DataFrame, mode: Mode) -> npt.NDArray[np.int64]:
    """Return for every movie frame the number of the movie that it belongs to, ascending from 0."""
    frame = frames["frame"].astype(np.float64)
    if mode == "mlynarski-compat":
        begins = (frame.diff().fillna(1) < 0).to_numpy()
    else:
        goes_on = (frame.diff() == 1) & (frames["presentation_id"].diff() == 1)
        for name in ("stimulus_name", "stimulus_block"):
            goes_on &= (frames[name] == frames[name].shift()) | (frames[name].isna() & frames[name].shift().isna())
        begins = (~goes_on).to_numpy()
        begins[:1] = False
    return np.cumsum(begins, dtype=np.int64)


def blanks(table: pd.DataFrame) -> BoolArray:
    """Return which presentations show nothing: sweeps without parameters, and scenes with frame −1 (step 5)."""
    blank = np.zeros(len(table), dtype=bool)
    names = table["stimulus_name"].to_numpy(dtype=object)
    for name in table["stimulus_name"].unique():
        rows = names == name
        if any(part in name for part in WITH_BLANKS):
            needed = [*PARAMETERS[name], "stimulus_block"]
            blank |= rows & table[needed].isna().any(axis=1).to_numpy()
        if "natural_scenes" in name:
            blank |= rows & (table["frame"] == -1).to_numpy()
    return blank


def median_durations(tables: Iterable[pd.DataFrame]) -> dict[str, float]:
    """Return the median duration (s) of every stimulus over the tables of all sessions, blanks included (step 3).

    Stimuli stand in the order in which they were first shown, as in that data set's table.
    """
    durations: dict[str, list[npt.NDArray[np.float64]]] = {}
    for table in tables:
        for name, part in table.groupby("stimulus_name", sort=False)["duration"]:
            durations.setdefault(str(name), []).append(part.to_numpy(dtype=np.float64))
    return {name: float(np.median(np.concatenate(durations[name]))) for name in durations}


def regular(table: pd.DataFrame, medians: Mapping[str, float]) -> BoolArray:
    """Return which presentations last as long as the median, to less than the tolerance (step 4).

    Raises
    ------
    ConfigError
        If a stimulus has no median.
    """
    kept = np.zeros(len(table), dtype=bool)
    names = table["stimulus_name"].to_numpy(dtype=object)
    duration = table["duration"].to_numpy(dtype=np.float64)
    for name in table["stimulus_name"].unique():
        if name not in medians:
            raise unknown_stimulus(name, medians)
        kept |= (names == name) & (np.abs(duration - medians[name]) < tolerance_s(name))
    return kept


def filter_summary(tables: Iterable[pd.DataFrame], medians: Mapping[str, float]) -> pd.DataFrame:
    """Return per stimulus how many presentations step 4 removes: columns and order of that data set's summary."""
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    for table in tables:
        kept = table[regular(table, medians)]
        for counts, rows in ((before, table), (after, kept)):
            for name, number in rows["stimulus_name"].value_counts(sort=False).items():
                counts[str(name)] = counts.get(str(name), 0) + int(number)
    rows = []
    for name in before:
        removed = before[name] - after.get(name, 0)
        rows.append((name, before[name], after.get(name, 0), removed, round(removed / before[name] * 100, 2)))
    columns = [f"num_presentations_{what}" for what in ("before", "after", "removed")]
    return pd.DataFrame(rows, columns=["stimulus_name", *columns, "percent_presentations_removed"])


def unknown_stimulus(name: str, known: Iterable[str]) -> ConfigError:
    """Return the error for a stimulus that is not there, with the names that come close."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    action = f"Did you mean {' or '.join(close)}?" if close else f"Use one of: {', '.join(names) or 'none is there'}."
    return ConfigError(f"stimulus {name!r}", "there is no such stimulus here", action)


def _numbers(table: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    """Return a parameter as float64 where it is one of the stimulus' own; NaN elsewhere, and where it is no number."""
    out = np.full(len(table), np.nan)
    if name not in table:
        return out
    own = np.array([name in PARAMETERS[stimulus] for stimulus in table["stimulus_name"]], dtype=bool)
    out[own] = pd.to_numeric(table.loc[own, name], errors="coerce").to_numpy(dtype=np.float64)
    return out


def unusable_parameters(presentations: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return what is wrong with the parameters of the stimuli that are shown, by stimulus and parameter.

    Parameters
    ----------
    presentations
        Presentations of stimuli (`usable_stimuli`).
    """
    found = {}
    for stimulus, shown in presentations.groupby("stimulus_name", sort=True):
        for name in PARAMETERS[str(stimulus)]:
            values = shown.get(name, pd.Series(np.nan, index=shown.index))
            numbers = pd.to_numeric(values, errors="coerce")
            texts = int((values.notna() & numbers.isna()).sum())
            if texts:
                found[str(stimulus), name] = f"{name} is no number in {texts} of {len(shown)} presentations; NaN"
            elif numbers.isna().all():
                found[str(stimulus), name] = f"no value of {name} in any of {len(shown)} presentations"
    return found
