"""What it takes for two sides to have found the same.

Contains comparisons of counts and of columns, which gates of rows are made of. Add here a kind of comparison that
several rows need.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.harness.comparison import Arrays, Differs


def same_counts(why: str = "") -> Callable[[Path, Arrays, Arrays], str]:
    """Return a gate for ``counts`` of spikes in bins, the bin last.

    Spikes in another bin are allowed where they lie on the edge between the two: a library that divides by a float puts
    them on either side. The input tells such spikes of a grid as ``edge_unit`` and ``edge_bin``, the bin that an edge
    begins, and those of windows as ``window_edge_row`` (window · units + unit) and ``window_edge_bin``; without these
    every count must be the same.

    Parameters
    ----------
    why
        Reason for what may be on the other side of an edge.
    """

    def gate(given: Path, ours: Arrays, theirs: Arrays) -> str:
        here, there = ours["counts"], theirs["counts"]
        n_bins = here.shape[-1]
        # brainbox's `bincount2D` has one bin more, for the edge at the stop of the session.
        if there.shape not in (here.shape, (*here.shape[:-1], n_bins + 1)) or there[..., n_bins:].any():
            raise Differs(f"counts of shape {there.shape} there, {here.shape} here")
        there = there[..., :n_bins]
        rows = np.flatnonzero((there != here).any(axis=-1).ravel())
        if not len(rows):
            return f"all of {here.size:,} counts are equal"
        total, moved = int(here.sum(dtype=np.int64)), 0
        on_edge = _on_edges(given, here.shape)
        for row in rows:
            more = there.reshape(-1, n_bins)[row].astype(np.int64) - here.reshape(-1, n_bins)[row]
            crossed = np.cumsum(more)
            if crossed[-1] or (np.abs(crossed[:-1]) > on_edge(row)[1:]).any():
                raise Differs(f"{np.abs(more).sum():,} counts of row {row} differ, and no spike on an edge explains it")
            moved += int(np.abs(crossed).sum())
        return f"{moved:,} of {total:,} spikes, each on an edge, are on its other side there: {why}"

    return gate


def _on_edges(given: Path, shape: tuple[int, ...]) -> Callable[[int], npt.NDArray[np.int64]]:
    """Return a function that counts a unit's spikes on the edge that each bin begins with."""
    names = ("edge_unit", "edge_bin") if len(shape) == 2 else ("window_edge_row", "window_edge_bin")
    with np.load(given) as stored:
        known = names[0] in stored.files
        unit, bins = (stored[name] for name in names) if known else (np.zeros(0), np.zeros(0, np.int64))
    return lambda row: np.bincount(bins[unit == row], minlength=shape[-1])[: shape[-1]]


def as_searchsorted(n_wrong: int, n_counts: int) -> str:
    """Return that counts are those of `numpy.searchsorted`; raise `Differs` where some are not."""
    if n_wrong:
        raise Differs(f"{n_wrong:,} of {n_counts:,} counts are not those of numpy.searchsorted")
    return f"all of {n_counts:,} counts are those of numpy.searchsorted"


def same_columns(tolerance: float, rename: Callable[[str], str] = str) -> Callable[[Path, Arrays, Arrays], str]:
    """Return a gate for columns of numbers: the same ones missing, all others within a relative difference.

    Parameters
    ----------
    tolerance
        Largest relative difference.
    rename
        Takes the name of a column here, and returns its name there.
    """

    def gate(_: Path, ours: Arrays, theirs: Arrays) -> str:
        names = [name for name in ours if name != "input"]
        lacking = [name for name in names if rename(name) not in theirs]
        if lacking:
            raise Differs(f"no column {', '.join(lacking)} there")
        errors = {name: _relative(ours[name], theirs[rename(name)]) for name in names}
        worst = max(errors, key=lambda name: errors[name])
        if errors[worst] > tolerance:
            raise Differs(f"{worst} differs by {errors[worst]:.3g} (relative), {tolerance:g} is allowed")
        return f"{len(names)} columns agree within {errors[worst]:.1e}"

    return gate


def same_values(name: str) -> Callable[[Path, Arrays, Arrays], str]:
    """Return a gate for arrays that are equal bit by bit, or their hashes."""

    def gate(_: Path, ours: Arrays, theirs: Arrays) -> str:
        if not np.array_equal(ours[name], theirs[name]):
            raise Differs(f"{name} are not the same")
        return f"all of {np.size(ours[name]):,} {name} are identical"

    return gate


def _relative(here: npt.NDArray[np.generic], there: npt.NDArray[np.generic]) -> float:
    a, b = here.astype(np.float64), there.astype(np.float64)
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    known = ~np.isnan(a)
    error = np.abs(a - b)[known]
    scale = np.maximum(np.abs(b[known]), np.finfo(float).tiny)
    return float(np.max(np.where(error == 0, 0.0, error / scale), initial=0.0))
