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
        and is valid if all its frames are and it goes on to the movie's last frame.
    n_frames, n_movies
        Frames that were joined, and showings that they are.
    n_parts
        Showings that are left out because they do not begin with the movie's first frame.
    n_cut
        Showings that end before the movie's last frame: a frame is missing, or the rest of them.
    """

    table: pd.DataFrame
    n_frames: int
    n_movies: int
    n_parts: int
    n_cut: int


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
        return Showings(presentations, 0, 0, 0, 0)
    stated = presentations[movie_rows]
    frames = stated.assign(frame=_places(stated))
    number = movie_numbers(frames, "exact")
    grouped = frames.groupby(number)
    cut = _cut_short(stated, frames["frame"], number)
    first = ~pd.Series(number).duplicated().to_numpy()
    begins = first & (frames["frame"] == 0).to_numpy()
    showings = presentations.loc[frames.index[begins]].assign(
        stop_time=grouped["stop_time"].transform("max")[begins],
        valid=grouped["valid"].transform("all")[begins] & ~cut[begins],
    )
    table = pd.concat([presentations[~movie_rows], showings]).sort_index()
    return Showings(table, len(frames), len(showings), int((first & ~begins).sum()), int(cut[begins].sum()))


def _cut_short(frames: pd.DataFrame, places: pd.Series, number: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return (n_frames,) which frames are of a showing or part that ends before the movie's last frame.

    That is the one with which most showings and parts of the movie end in this session, the later of equally many: no
    file states it, and a number that cannot be (1e9) would cut all showings if the largest counted. Movies that are
    shuffled or have no frame numbers have none.
    """
    last = places.groupby(number).transform("last")
    begins = ~pd.Series(number).duplicated().to_numpy()
    ends = last[begins].groupby(frames.loc[begins, "stimulus_name"]).agg(lambda found: found.mode().max())
    numbered = _stated_frames(frames).notna().groupby(frames["stimulus_name"]).any()
    ends = ends[[SHUFFLED not in name and numbered[name] for name in ends.index]]
    return (last < frames["stimulus_name"].map(ends)).to_numpy(dtype=bool)


def _stated_frames(frames: pd.DataFrame) -> pd.Series:
    """Return the numbers of the frames; NaN where there is none."""
    return pd.to_numeric(frames["frame"]) if "frame" in frames else pd.Series(np.nan, index=frames.index)


def _places(frames: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the place of every frame in its showing: its number; counted where frames are shuffled or without one."""
    places = _stated_frames(frames).to_numpy(dtype=np.float64, copy=True)
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
