"""Splits within a session: stretches of time that train, validate and test, with a gap between them.

Contains the causal split, folds of blocks, and the split by time of the task. Add here another way to divide a session.
A window belongs to a split if it lies in one of its stretches, ends included. Times are seconds on the session clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError
from nh_platform.windows.intervals import valid_stretches

FloatArray = npt.NDArray[np.float64]
Ranges = dict[str, FloatArray]
"""Stretches (n, 2) of start and stop (s) by split."""

GAP_S = 20.0
"""Time between two splits: the longest context of BrainWideBench, so that no context reaches into another split."""

CAUSAL_SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}
TASK_SHARES = {"train": 0.4, "valid": 0.2, "test": 0.4}
"""Of BrainWideBench's first suite."""

_NOTHING = np.zeros((0, 2))


def causal_ranges(
    start: float,
    stop: float,
    shares: Mapping[str, float] = CAUSAL_SHARES,
    gap_s: float = GAP_S,
    invalid: FloatArray = _NOTHING,
) -> Ranges:
    """Divide a session in order of time: what trains comes before what tests.

    Parameters
    ----------
    start, stop
        Recorded time of the session.
    shares
        Share of the time, without the gaps, by split in order.
    gap_s
        Time that is left out between two splits.
    invalid
        (n, 2) merged intervals that are cut out.

    Returns
    -------
    dict
        Stretches (n, 2) by split, ``start <= t < stop``.

    Raises
    ------
    ConfigError
        If the shares do not add up to 1, or nothing is left of a split.

    Examples
    --------
    >>> {name: ranges.tolist() for name, ranges in causal_ranges(0.0, 1040.0).items()}
    {'train': [[0.0, 800.0]], 'valid': [[820.0, 920.0]], 'test': [[940.0, 1040.0]]}
    """
    _check_shares(shares)
    if gap_s < 0:
        raise ConfigError(f"gap of {gap_s:g} s", "it is negative", "State 0 or more seconds.")
    time_s = stop - start - gap_s * (len(shares) - 1)
    edge, found = start, Ranges()
    for name, share in shares.items():
        end = edge + max(time_s, 0.0) * share
        last = name == list(shares)[-1]
        found[name] = valid_stretches(edge, stop if last else end, invalid)
        edge = end + gap_s
    return _none_empty(found, start, stop, gap_s)


def block_folds(
    start: float, stop: float, n_folds: int = 5, gap_s: float = GAP_S, invalid: FloatArray = _NOTHING
) -> list[Ranges]:
    """Divide a session into blocks of equal length, each of which tests once while the others train.

    Parameters
    ----------
    start, stop, invalid
        As of `causal_ranges`.
    n_folds
        Blocks, at least 2.
    gap_s
        Time that is left out of training on both sides of the test block.

    Raises
    ------
    ConfigError
        If there are fewer than two folds, or nothing is left to train or test on.
    """
    if n_folds < 2:
        raise ConfigError(f"{n_folds} folds", "nothing would train", "State at least 2.")
    edges = np.linspace(start, stop, n_folds + 1)
    folds = []
    for low, high in pairwise(edges.tolist()):
        around = [
            stretches
            for first, end in ((start, low - gap_s), (high + gap_s, stop))
            for stretches in [valid_stretches(first, end, invalid)]
            if end > first
        ]
        train = np.concatenate([_NOTHING, *around])
        folds.append(_none_empty({"train": train, "test": valid_stretches(low, high, invalid)}, start, stop, gap_s))
    return folds


def task_time_ranges(
    start: float,
    stop: float,
    trials: FloatArray,
    shares: Mapping[str, float] = TASK_SHARES,
    gap_s: float = GAP_S,
) -> Ranges:
    """Divide a session in order of time by how much of the task has passed, as BrainWideBench does (40/20/40).

    The cuts lie where the cumulative time of the trials reaches the shares, at that edge of the trial there which is
    nearer (the earlier one of two as near). The next split begins ``gap_s`` later; within a trial, at that one's end.

    Parameters
    ----------
    start, stop
        Time from the first to the last spike. Only what lies between counts of a trial.
    trials
        (n_trials, 2) start and stop of the task's windows, ascending.
    shares, gap_s
        As of `causal_ranges`.

    Raises
    ------
    ConfigError
        If there are no trials, they overlap or descend, none was recorded, or nothing is left of a split.
    """
    _check_shares(shares)
    if not len(trials) or not (trials[:, 1] > trials[:, 0]).all() or not (trials[1:, 0] >= trials[:-1, 1]).all():
        found = "there are none" if not len(trials) else "they overlap, descend or have no length"
        raise ConfigError("windows of the trials", found, "Give the valid ones, in order of time.")
    inside = np.clip(trials, start, stop)
    inside = inside[inside[:, 1] > inside[:, 0]]
    if not len(inside):
        found = f"none of them lies between {start:g} and {stop:g} s"
        raise ConfigError("windows of the trials", found, "Give those of the time that was recorded.")
    passed = np.cumsum(inside[:, 1] - inside[:, 0])
    edge, total, found_ranges = start, 0.0, Ranges()
    for name, share in shares.items():
        total += share
        if name == list(shares)[-1]:
            found_ranges[name] = np.array([[edge, stop]]) if stop > edge else _NOTHING
            continue
        end = _nearest_edge(total * passed[-1], passed, inside)
        found_ranges[name] = np.array([[edge, end]]) if end > edge else _NOTHING
        edge = end + gap_s
        within = (inside[:, 0] < edge) & (edge < inside[:, 1])
        edge = float(inside[within, 1][0]) if within.any() else edge
    return _none_empty(found_ranges, start, stop, gap_s)


def windows_within(start: FloatArray, stop: FloatArray, ranges: FloatArray) -> npt.NDArray[np.bool_]:
    """Return (n_windows,) which windows lie in one of (n, 2) stretches as a whole; ``start`` and ``stop`` in s."""
    found = np.zeros(len(start), dtype=bool)
    for low, high in ranges:
        found |= (start >= low) & (stop <= high)
    return found


def lies_within(asked: Sequence[float] | FloatArray, ranges: FloatArray | None) -> bool:
    """Return whether a stretch (start, stop) lies in one of ``ranges`` (n, 2), those joined that touch or overlap."""
    if ranges is None or not len(ranges):
        return False
    ordered = ranges[np.argsort(ranges[:, 0])]
    joined = [list(ordered[0])]
    for before, after in pairwise(ordered.tolist()):
        if after[0] <= max(before[1], joined[-1][1]):
            joined[-1][1] = max(joined[-1][1], after[1])
        else:
            joined.append(after)
    return any(low <= asked[0] and asked[1] <= high for low, high in joined)


def _check_shares(shares: Mapping[str, float]) -> None:
    if abs(sum(shares.values()) - 1.0) > 1e-9 or any(share < 0 for share in shares.values()):
        stated = ", ".join(f"{name} {share:g}" for name, share in shares.items())
        raise ConfigError(f"shares {stated}", f"they add up to {sum(shares.values()):g}", "State shares of 1.")


def _nearest_edge(offset: float, passed: FloatArray, trials: FloatArray) -> float:
    """Return the edge (s) of a trial nearest to where ``offset`` seconds of the task have passed.

    ``passed`` (n_trials,) is the time of the task up to the end of each trial.
    """
    at = min(int(np.searchsorted(passed, offset - 1e-9)), len(passed) - 1)  # 0.4 + 0.2 is more than 0.6
    before = passed[at - 1] if at else 0.0
    return float(trials[at, 0] if offset - before <= passed[at] - offset else trials[at, 1])


def _none_empty(found: Ranges, start: float, stop: float, gap_s: float) -> Ranges:
    empty = [name for name, ranges in found.items() if not len(ranges)]
    if empty:
        raise ConfigError(
            f"split of {start:g} to {stop:g} s with gaps of {gap_s:g} s",
            f"nothing is left of {' and '.join(empty)}",
            "Take a longer session, a shorter gap or other shares.",
        )
    return found
