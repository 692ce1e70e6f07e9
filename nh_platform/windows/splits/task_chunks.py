"""Splits within a session by chunks of equal length in a fixed order, cut between trials.

Contains the division of BrainWideBench's second suite. Splits in order of time, and blocks that each test once, are
`time_ranges`. Times are seconds on the session clock.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError
from nh_platform.windows.splits.time_ranges import GAP_S, Ranges

FloatArray = npt.NDArray[np.float64]

CHUNK_S = 300.0
PATTERN = ("train", "test", "train", "valid", "test")
"""Length of a chunk, and the split of each in turn: 40 % train, 20 % validate, 40 % test (BrainWideBench, suite 2)."""


def chunk_ranges(
    start: float,
    stop: float,
    trials: FloatArray,
    pattern: Sequence[str] = PATTERN,
    chunk_s: float = CHUNK_S,
    gap_s: float = GAP_S,
) -> Ranges:
    """Divide a session into chunks whose splits follow a pattern, as BrainWideBench's second suite does.

    A trial that lies on a boundary moves it: to its end where the earlier chunk holds at least as much of it as the
    later one, else to its start. Every chunk but the first then begins with the first trial that starts ``gap_s`` or
    more after the chunk before it, and is dropped where there is none in it. A trial in which the recording ends moves
    nothing.

    Parameters
    ----------
    start, stop
        Time from the first to the last spike.
    trials
        (n_trials, 2) start and stop of the task's windows, ascending.
    pattern
        Split of each chunk in turn, repeated through the session.
    chunk_s, gap_s
        Length of a chunk, longer than a trial; and of the gap between two.

    Returns
    -------
    dict
        Stretches (n, 2) by split of the pattern; (0, 2) of a split that no chunk is left of.

    Raises
    ------
    ConfigError
        If the session has no time, there are no trials, they overlap or descend, or one reaches over a whole chunk.

    Examples
    --------
    >>> trials = np.column_stack([np.arange(5.0, 1200.0, 10.0), np.arange(8.0, 1203.0, 10.0)])
    >>> {name: found.tolist() for name, found in chunk_ranges(0.0, 1210.0, trials).items()}
    {'train': [[0.0, 300.0], [625.0, 900.0]], 'test': [[325.0, 600.0]], 'valid': [[925.0, 1200.0]]}
    """
    if not stop > start:
        raise ConfigError(f"session of {start:g} to {stop:g} s", "it has no time", "Leave it out.")
    if not len(trials) or not (trials[:, 1] > trials[:, 0]).all() or not (trials[1:, 0] >= trials[:-1, 1]).all():
        found = "there are none" if not len(trials) else "they overlap, descend or have no length"
        raise ConfigError("windows of the trials", found, "Give the valid ones, in order of time.")
    edges = start + chunk_s * np.arange(int((stop - start) // chunk_s) + 1, dtype=np.float64)
    edges = edges if edges[-1] >= stop else np.concatenate([edges, [stop]])
    starts, ends = edges[:-1].astype(np.float64), edges[1:].astype(np.float64)
    for first, last in trials:
        if not first <= stop <= last:
            _move_boundary(starts, ends, first, last)
    for at in range(1, len(starts)):
        later = trials[trials[:, 0] >= ends[at - 1] + gap_s, 0]
        starts[at] = min(later[0], ends[at]) if len(later) else ends[at]
    kept = starts < ends
    of_chunk = np.array([pattern[at % len(pattern)] for at in range(len(starts))], dtype=object)
    return {name: np.column_stack([starts, ends])[kept & (of_chunk == name)] for name in dict.fromkeys(pattern)}


def _move_boundary(starts: FloatArray, ends: FloatArray, first: float, last: float) -> None:
    """Move the boundary that a trial lies on, in place."""
    touched = np.flatnonzero((starts <= last) & (ends >= first))
    if len(touched) < 2:
        return
    if len(touched) > 2:
        raise ConfigError(
            f"trial of {first:g} to {last:g} s", "it reaches over a whole chunk", "Take longer chunks, or leave it out."
        )
    before, after = touched
    in_before = min(last, ends[before]) - max(first, starts[before])
    in_after = min(last, ends[after]) - max(first, starts[after])
    ends[before] = starts[after] = last if in_before >= in_after else first
