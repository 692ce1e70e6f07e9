"""The index of a ragged column that contradicts itself: which rows can still be told apart.

Contains the division of a column by the ends of its rows, of which some may be wrong. Add here what tells a wrong end
from a right one. Columns that a session can do without are given up as a whole instead
(`nh_platform.sources.nwb.nwb_file.ragged_offsets`).
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int64]


def offsets_between(ends: npt.NDArray[np.int64], total: int) -> tuple[Offsets, npt.NDArray[np.bool_]]:
    """Return offsets of rows of which each ends where ``ends`` says, and which rows are certain.

    An end is believed where every way to leave out the fewest ends, so that the others rise from 0 to ``total``, keeps
    it. A row is certain where both its ends are believed; what the offsets say of any other row means nothing.

    Parameters
    ----------
    ends
        (n_rows,) where each row ends; the last one is believed where it is ``total``.
    total
        Values of the column.

    Returns
    -------
    offsets
        (n_rows + 1,) int64, rising from 0 to ``total``.
    certain
        (n_rows,) bool.

    Examples
    --------
    >>> offsets_between(np.array([3, 9, 4, 6]), 6)[1].tolist()
    [True, False, False, True]
    """
    if len(ends) and ends[-1] != total:
        ends = np.concatenate([ends[:-1], [total + 1]])  # the last row ends with the column, whatever is stated
    believed = _in_every_longest_rise(ends, total)
    starts_too = np.concatenate([[True], believed])
    offsets = np.concatenate([[0], np.where(believed, ends, 0)]).astype(np.int64)
    offsets[-1] = total
    return np.maximum.accumulate(offsets), starts_too[1:] & starts_too[:-1]


def _in_every_longest_rise(ends: npt.NDArray[np.int64], total: int) -> npt.NDArray[np.bool_]:
    """Return which values are part of every longest selection that does not fall, within 0 and ``total``."""
    inside = np.flatnonzero((ends >= 0) & (ends <= total))
    values = ends[inside].tolist()
    before, behind = _longest_until(values), _longest_until([-value for value in reversed(values)])[::-1]
    longest = max(before, default=0)
    part = np.array([up + down - 1 == longest for up, down in zip(before, behind)], dtype=bool)
    # Two values of the same place in a longest rise stand for each other: neither is in every one.
    places = np.array(before, dtype=np.int64)
    alone = np.bincount(places[part], minlength=longest + 1)[places] == 1
    believed = np.zeros(len(ends), dtype=bool)
    believed[inside[part & alone]] = True
    return believed


def _longest_until(values: list[int]) -> list[int]:
    """Return the length of the longest selection that does not fall and ends with each value."""
    lowest: list[int] = []  # by length: the lowest value with which a selection of that length ends
    lengths = []
    for value in values:
        place = bisect_right(lowest, value)
        lowest[place : place + 1] = [value]
        lengths.append(place + 1)
    return lengths
