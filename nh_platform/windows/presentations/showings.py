"""Whole showings of movies: the frames of each, which upstream lists one by one, as one row.

Contains what an event of presentations is aligned to where the source says so (`EventTimes.whole_movies`). Add here
what makes rows one showing. Tensors join movies in `cleaning`, without what is invalid or no stimulus type.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.windows.presentations.cleaning import movie_numbers
from nh_platform.windows.presentations.conventions import is_movie

SHUFFLED = "shuffled"
"""Part of the name of a movie whose frames were shown in another order, the same in every repeat."""


@dataclass(frozen=True)
class Showings:
    """Presentations with every showing of a movie as one row.

    Parameters
    ----------
    table
        Rows by the index of their first row; a showing has the values of its first frame, the end of its last one,
        and is valid if all its frames are.
    n_frames, n_movies
        Frames that were joined, and showings that they are.
    n_parts
        Showings that are left out because they do not begin with the movie's first frame.
    """

    table: pd.DataFrame
    n_frames: int
    n_movies: int
    n_parts: int


def whole_movies(presentations: pd.DataFrame) -> Showings:
    """Return presentations with the frames of each showing of a movie as one row.

    A showing goes on while row, frame, stimulus and block go on; of a shuffled movie, until a frame comes again.

    Parameters
    ----------
    presentations
        Schema `PRESENTATIONS`, ascending by ``presentation_id``.
    """
    movie_rows = np.array([is_movie(name) for name in presentations["stimulus_name"]], dtype=bool)
    if not movie_rows.any():
        return Showings(presentations, 0, 0, 0)
    frames = presentations[movie_rows].assign(frame=lambda rows: _places(rows))
    number = movie_numbers(frames, "exact")
    grouped = frames.groupby(number)
    first = ~pd.Series(number).duplicated().to_numpy()
    begins = first & (frames["frame"] == 0).to_numpy()
    showings = presentations.loc[frames.index[begins]].assign(
        stop_time=grouped["stop_time"].transform("max")[begins], valid=grouped["valid"].transform("all")[begins]
    )
    table = pd.concat([presentations[~movie_rows], showings]).sort_index()
    return Showings(table, len(frames), len(showings), int((first & ~begins).sum()))


def _places(frames: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the place of every frame in its showing: its number; counted where frames are shuffled or without one."""
    shown = pd.to_numeric(frames["frame"]) if "frame" in frames else pd.Series(np.nan, index=frames.index)
    places = shown.to_numpy(dtype=np.float64, copy=True)
    seen: set[float] = set()
    before: tuple[int, object, object] | None = None
    rows = zip(frames["presentation_id"], frames["stimulus_name"], frames["stimulus_block"])
    for row, (number, name, block) in enumerate(rows):
        frame = float(places[row])
        if SHUFFLED not in name and not np.isnan(frame):
            before = None
            continue
        goes_on = before is not None and before[:2] == (number - 1, name) and (before[2] == block or block != block)
        if not goes_on or frame in seen:
            seen = set()
        places[row] = len(seen)
        # A frame without a number is never the one that was seen: two NaN are not equal.
        seen.add(frame if not np.isnan(frame) else -1.0 - row)
        before = number, name, block
    return places
