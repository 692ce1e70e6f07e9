"""Windows of spikes after presentations: which of them can be used, and their counts by row.

Contains what the visual tasks share of reading a session. Add here what another of them needs to know of presentations.
What a task predicts stands in its own module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.unit_psth import choose_units
from nh_platform.tasks.task import TargetMissing

if TYPE_CHECKING:
    from nh_platform.reading import SessionView
    from nh_platform.reading.unit_psth import UnitChoice

FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.int64]

INVALID = "overlap an invalid time of a probe or of the session, or what was not recorded"
NEXT_BEGINS = "reach beyond the next onset"

ONSET_TOLERANCE_S = 1e-6
"""A presentation that begins at the very end of a window does not cut it, whatever the rounding of the two sums."""


def session_name(session: SessionView) -> str:
    """Return ``<source> session <id>``, as errors name it."""
    return f"{session.source} session {session.session_id}"


def presentations_of(session: SessionView, what: str) -> pd.DataFrame:
    """Return the presentations of a session, schema `PRESENTATIONS`.

    Parameters
    ----------
    session
        The session.
    what
        What they are needed for, as the error says it.

    Raises
    ------
    TargetMissing
        If it has none; the text names the tables that it has.
    """
    if "presentations" in session.events:
        return session.presentations
    tables = ", ".join(sorted(session.events)) or "no tables of events"
    raise TargetMissing(
        session_name(session),
        f"it has no stimulus presentations, which {what} is made of; it has {tables}",
        "Take sessions of allen_vc or allen_vbn, or declare presentations for a source of your own.",
    )


def stimuli_of(presentations: pd.DataFrame) -> str:
    """Return the stimuli and how often each was shown, as errors name them."""
    counts = presentations["stimulus_name"].value_counts(sort=False)
    return ", ".join(f"{name} ({n})" for name, n in counts.items()) or "no stimulus"


def before_next_onset(starts: FloatArray, presentations: pd.DataFrame, length_s: float) -> npt.NDArray[np.bool_]:
    """Return (n,) whether a window of ``length_s`` from each start (s) ends before the next presentation begins.

    The next presentation is of whatever stimulus, and need not be valid: it was on the screen all the same.

    Examples
    --------
    >>> table = pd.DataFrame({"start_time": [0.0, 0.25, 0.45]})
    >>> before_next_onset(np.array([0.0, 0.25, 0.45]), table, 0.25).tolist()
    [True, False, True]
    """
    onsets = presentations["start_time"].to_numpy(dtype=np.float64)
    onsets = np.append(np.sort(onsets[np.isfinite(onsets)]), np.inf)
    following = onsets[np.searchsorted(onsets[:-1], starts, side="right")]
    return starts + length_s <= following + ONSET_TOLERANCE_S


def recorded_well(
    session: SessionView, starts: FloatArray, length_s: float, units: UnitChoice = None
) -> npt.NDArray[np.bool_]:
    """Return (n,) whether every chosen unit's probe recorded well in all of the window from each start (s).

    Raises
    ------
    TargetMissing
        If there is no unit.
    """
    found = session.windows_around(starts, 0.0, length_s, length_s, units=units)
    if not len(found.unit_ids):
        raise TargetMissing(session_name(session), "there is no unit to predict from", "Choose other units.")
    return np.asarray(found.valid.all(axis=1), dtype=bool)


def ids_of(session: SessionView, units: UnitChoice = None) -> npt.NDArray[np.object_]:
    """Return (n_units,) ids of the chosen units, all where None, in the order of the counts."""
    ids = session.units["unit_id"]
    return ids.to_numpy(dtype=object)[choose_units(ids, units)]


def counts_by_row(
    session: SessionView, starts: FloatArray, length_s: float, bin_s: float, units: UnitChoice = None
) -> Callable[[RowArray], npt.NDArray[np.generic]]:
    """Return what makes the (m, n_bins, n_units) uint8 counts of the rows that it is given, from the spikes.

    Parameters
    ----------
    session
        The session.
    starts
        (n,) seconds on the session clock.
    length_s, bin_s
        Length of a window, a whole number of bins, and width of a bin in seconds.
    units
        Which units, as of `SessionView.psth`.
    """

    def counts(rows: RowArray) -> npt.NDArray[np.generic]:
        return session.windows_around(starts[rows], 0.0, length_s, bin_s, units=units).counts.transpose(0, 2, 1)

    return counts
