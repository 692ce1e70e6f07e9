"""From presentations to the images that were shown: scenes to template images, movie times to frames.

Contains index mappings alone. Add here what says which image was on the screen. The images themselves come from
AllenSDK's cache (`get_natural_scene_template`, `get_natural_movie_template`), not from here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import BadUpstreamData
from nh_platform.windows.presentations.cleaning import movie_numbers
from nh_platform.windows.presentations.conventions import MOVIE_FRAMES, N_SCENES, is_movie

NO_IMAGE = -1


def scene_images(presentations: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return for every natural scene the index of its template image, `NO_IMAGE` where the screen was grey.

    Parameters
    ----------
    presentations
        Rows of stimulus ``natural_scenes`` with column ``frame``.

    Returns
    -------
    numpy.ndarray
        (n_presentations,) int64, 0 to 117 or −1.

    Raises
    ------
    BadUpstreamData
        If a frame is none of the 118 images.

    Examples
    --------
    >>> scene_images(pd.DataFrame({"frame": [17.0, -1.0]})).tolist()
    [17, -1]
    """
    frames = presentations["frame"].to_numpy(dtype=np.float64)
    unknown = ~np.isin(frames, np.arange(NO_IMAGE, N_SCENES))
    if unknown.any():
        raise BadUpstreamData(
            "natural scenes",
            f"frame {frames[unknown][0]} is no image; there are 0 to {N_SCENES - 1}",
            "Check the file.",
        )
    return frames.astype(np.int64)


def movie_frames(presentations: pd.DataFrame) -> pd.DataFrame:
    """Return when every frame of every movie was on the screen.

    Parameters
    ----------
    presentations
        Schema `PRESENTATIONS`; rows other than movie frames are ignored, as are presentations in invalid times.

    Returns
    -------
    pandas.DataFrame
        One row per frame: ``presentation_id`` of the movie (its first frame's, as in the stimulus tensors),
        ``stimulus_name``, ``frame`` (int64, index of the template image), ``start_time``, ``stop_time`` (s).

    Raises
    ------
    BadUpstreamData
        If a frame is not one of its movie's.
    """
    names = presentations["stimulus_name"]
    wanted = names.map(is_movie).astype(bool) & names.isin(MOVIE_FRAMES) & presentations["valid"]
    rows = presentations[wanted].reset_index(drop=True)
    columns = ["presentation_id", "stimulus_name", "frame", "start_time", "stop_time"]
    if not len(rows):
        return pd.DataFrame({name: rows.get(name, pd.Series(dtype=np.float64)) for name in columns})
    limit = rows["stimulus_name"].map(MOVIE_FRAMES)
    bad = rows[~((rows["frame"] >= 0) & (rows["frame"] < limit) & (rows["frame"] % 1 == 0))]
    if len(bad):
        raise BadUpstreamData(
            f"presentation {bad['presentation_id'].iloc[0]}",
            f"frame {bad['frame'].iloc[0]} is none of {bad['stimulus_name'].iloc[0]}",
            "Check the NWB file.",
        )
    first = rows.groupby(movie_numbers(rows, "exact"))["presentation_id"].transform("first")
    return rows.assign(presentation_id=first, frame=rows["frame"].astype(np.int64))[columns]


def frames_at(frames: pd.DataFrame, times: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the index of the frame that was on the screen at each time (s), `NO_IMAGE` between movies.

    Parameters
    ----------
    frames
        The table of `movie_frames`, of one stimulus.
    times
        Seconds on the session clock, any shape; for example the start of a movie plus the bin centres of its tensor.

    Examples
    --------
    >>> shown = pd.DataFrame({"frame": [0, 1], "start_time": [5.0, 5.5], "stop_time": [5.5, 6.0]})
    >>> frames_at(shown, [4.9, 5.0, 5.5, 6.0]).tolist()
    [-1, 0, 1, -1]
    """
    at = np.asarray(times, dtype=np.float64)
    table = frames.sort_values("start_time", kind="stable")
    if not len(table):
        return np.full(at.shape, NO_IMAGE, dtype=np.int64)
    row = np.searchsorted(table["start_time"].to_numpy(), at, side="right") - 1
    shown = (row >= 0) & (at < table["stop_time"].to_numpy()[row])
    return np.where(shown, table["frame"].to_numpy()[row], NO_IMAGE).astype(np.int64)
