"""Stretches of time that a set of windows is limited to, and what may join the windows in them.

Contains the test whether windows lie in stretches, and the joining of embeddings, which must not describe what is
tested. Add here another thing that is joined from a stretch of a session.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.load.session_part import FloatArray
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform.windows.splits.audited_record import WHOLE_SESSION
from nh_platform.windows.splits.time_ranges import lies_within, windows_within


def checked_ranges(ranges: npt.ArrayLike, name: str) -> FloatArray:
    """Return stretches as (n, 2) seconds.

    Raises
    ------
    ConfigError
        If they are none.
    """
    stated = np.asarray(ranges, dtype=np.float64)
    if stated.ndim != 2 or stated.shape[1] != 2 or not (stated[:, 0] < stated[:, 1]).all():
        raise ConfigError(
            f"ranges of {name}",
            f"they are not (n, 2) seconds with a start before its stop: {stated.tolist()}",
            "State [[start, stop], …].",
        )
    return stated


def in_ranges(start: FloatArray, stop: FloatArray, ranges: npt.ArrayLike, name: str) -> npt.NDArray[np.bool_]:
    """Return (n_windows,) whether all of a window lies in one of ``ranges``; raises as `checked_ranges`."""
    return windows_within(start, stop, checked_ranges(ranges, name))


def joined_embeddings(
    session: SessionView, unit_ids: npt.NDArray[np.object_], ranges: npt.ArrayLike | None
) -> FloatArray:
    """Return the (n_units, n_features) numeric columns of a session's embeddings.

    Parameters
    ----------
    session
        The session.
    unit_ids
        (n_units,) units in the order of the rows.
    ranges
        (n, 2) seconds that the embeddings may have seen; anything where None.

    Raises
    ------
    ConfigError
        If they have seen anything else.
    """
    name, window = f"{session.source} session {session.session_id}", session.embeddings_window
    if ranges is not None and not window.is_empty:
        thing = f"unit embeddings of {name}"
        if window.id == WHOLE_SESSION:
            raise ConfigError(
                thing,
                f"their reference window is {window.id}: they have seen what is outside of the ranges",
                f"State `reference_window: start-30s` for {session.source} in sources.yaml and run "
                f"`nh materialize {session.source} {session.session_id}`, or leave out embeddings.",
            )
        allowed = checked_ranges(ranges, name)
        beyond = [(start, stop) for start, stop in window.stretches.tolist() if not lies_within((start, stop), allowed)]
        if beyond:
            limits = f"{beyond[0][0]:.3f} to {beyond[0][1]:.3f} s"
            raise ConfigError(
                thing,
                f"their reference window {window.id}, {limits}, reaches out of the ranges",
                "State ranges that hold it; where other windows are tested, `embeddings=` the ranges of training.",
            )
    table = session.embeddings.set_index("unit_id").select_dtypes("number")
    return table.reindex(list(unit_ids)).to_numpy(dtype=np.float64)
