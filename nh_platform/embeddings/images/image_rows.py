"""Which image of which set every presentation of a session showed, and when it came on.

Contains the alignment of presentations and images. Add here how another stimulus says which image it is. Rows count in
the set as `nh_platform.session.image_set` has it; `NO_ROW` stands for no image, with why in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.tables.across_sessions.images import IMAGE_ROWS

NO_ROW = -1
"""Row of a presentation that showed no image of a set."""
SCENES = "natural_scenes"
MOVIES = {
    "natural_movie_one": "natural_movie_one",
    "natural_movie_one_more_repeats": "natural_movie_one",
    "natural_movie_three": "natural_movie_three",
}
"""Set by stimulus name. Shuffled movies have none: the order of their frames is in no released file."""
_MOST_IMAGES = 2**31
SHOWN, BLANK, OMITTED, UNKNOWN, NO_IMAGE = "shown", "blank", "omitted", "unknown", "no image"


def image_rows(presentations: pd.DataFrame) -> pd.DataFrame:
    """Return one row per presentation that shows, or could show, an image of a set.

    Parameters
    ----------
    presentations
        Schema `PRESENTATIONS` of a session of Visual Coding (``frame``) or Visual Behavior (``image_index``).

    Returns
    -------
    pandas.DataFrame
        Schema `IMAGE_ROWS`, in the order of the presentations. ``image_row`` is -1 where ``shows`` is not ``shown``:
        ``blank`` (the frame -1 of natural scenes), ``omitted`` (Visual Behavior), ``unknown`` (a frame that is not
        stated, or shuffled), ``no image`` (another stimulus).

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "presentation_id": [0, 1, 2], "start_time": [1.0, 1.25, 1.5], "stop_time": [1.25, 1.5, 1.75],
    ...     "stimulus_name": ["natural_scenes", "natural_scenes", "gabors"], "frame": [17.0, -1.0, np.nan]})
    >>> image_rows(table)[["image_row", "onset", "shows"]].values.tolist()
    [[17, 1.0, 'shown'], [-1, 1.25, 'blank'], [-1, 1.5, 'no image']]
    """
    names = presentations["stimulus_name"].astype(str).to_numpy(dtype=object)
    sets = np.full(len(names), "", dtype=object)
    rows = np.full(len(names), NO_ROW, dtype=np.int64)
    shows = np.full(len(names), NO_IMAGE, dtype=object)
    frames = _numbers(presentations, "frame")
    for stimulus, image_set in {SCENES: SCENES, **MOVIES}.items():
        of = names == stimulus
        sets[of] = image_set
        rows[of], shows[of] = _of_frames(frames[of], stimulus == SCENES)
    shuffled = np.array([name.startswith("natural_movie") and name not in MOVIES for name in names], dtype=bool)
    shows[shuffled] = UNKNOWN
    index = _numbers(presentations, "image_index")
    omitted = _flags(presentations)
    # A presentation of an image states its place and its name; those of other stimuli state neither.
    of = (_are_rows(index) | omitted) & (sets == "")
    sets[of] = names[of]
    rows[of & ~omitted], shows[of & ~omitted] = index[of & ~omitted].astype(np.int64), SHOWN
    shows[of & omitted] = OMITTED
    return IMAGE_ROWS.conform(
        pd.DataFrame(
            {
                "presentation_id": presentations["presentation_id"].to_numpy(),
                "image_set": sets,
                "image_row": rows,
                "onset": presentations["start_time"].to_numpy(dtype=np.float64),
                "offset": presentations["stop_time"].to_numpy(dtype=np.float64),
                "shows": shows,
            }
        )
    )


@dataclass(frozen=True)
class ImagesOnScreen:
    """When which image was on, counted through the images of several sets; ascending onsets.

    Parameters
    ----------
    presentation_ids, rows
        (n,) presentation, and row of its image.
    onset, offset
        (n,) seconds on the session clock: an image is on from its onset to its offset, which is not part of it.
    """

    presentation_ids: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    onset: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]

    def at(self, times: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the row that was on at each time (s), of any shape, for example centres of bins; -1 where none was.

        Frames of a movie follow each other by their own times.
        """
        when = np.asarray(times, dtype=np.float64)
        if not len(self.onset):
            return np.full(when.shape, NO_ROW, dtype=np.int64)
        found = np.searchsorted(self.onset, when, side="right") - 1
        on = (found >= 0) & (when < self.offset[found])
        return np.where(on, self.rows[found], NO_ROW).astype(np.int64)


NOTHING_ON_SCREEN = ImagesOnScreen(*np.zeros((2, 0), dtype=np.int64), *np.zeros((2, 0), dtype=np.float64))
"""Of a session that shows no image."""


def images_on_screen(rows: pd.DataFrame, first_rows: Mapping[str, int]) -> ImagesOnScreen:
    """Return when which image was on.

    Parameters
    ----------
    rows
        The table of `image_rows`.
    first_rows
        Row at which each set begins, by its name; sets that are not named count as none.
    """
    shown = rows[(rows["image_row"] >= 0) & rows["image_set"].isin(list(first_rows))]
    shown = shown.sort_values("onset", kind="stable")
    first = shown["image_set"].map(dict(first_rows)).to_numpy(dtype=np.int64)
    return ImagesOnScreen(
        shown["presentation_id"].to_numpy(dtype=np.int64),
        first + shown["image_row"].to_numpy(dtype=np.int64),
        shown["onset"].to_numpy(dtype=np.float64),
        shown["offset"].to_numpy(dtype=np.float64),
    )


def _of_frames(
    frames: npt.NDArray[np.float64], has_blanks: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]:
    """Return row and what is shown by the frame that upstream states."""
    known = _are_rows(frames)
    rows = np.where(known, np.where(known, frames, 0), NO_ROW).astype(np.int64)
    shows = np.where(known, SHOWN, np.where(frames == NO_ROW, BLANK if has_blanks else UNKNOWN, UNKNOWN))
    return rows, shows.astype(object)


def _are_rows(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which numbers can be rows of a set: whole, not negative, and no larger than any set."""
    return (numbers >= 0) & (numbers < _MOST_IMAGES) & (np.floor(numbers) == numbers)


def _numbers(table: pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    if column not in table:
        return np.full(len(table), np.nan)
    return pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=np.float64)


def _flags(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which presentations are omissions."""
    stated = table["omitted"].isin([True, 1.0, "True"]) if "omitted" in table else pd.Series(False, index=table.index)
    named = table["image_name"].eq("omitted") if "image_name" in table else pd.Series(False, index=table.index)
    return (stated | named.fillna(False)).to_numpy(dtype=bool)
