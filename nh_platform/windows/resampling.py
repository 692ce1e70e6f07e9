"""Signals in the bins of windows: interpolated, held, or counted, and NaN where there is no data.

Contains one function per way (`Resampling`) and the choice among them. Add a way here when a published preset needs it.
Nothing is extrapolated: before the first sample, after the last one and in longer gaps than the preset bridges there is
no value, and none is filled in. Which signals a preset wants is said by `nh_platform.windows.presets.preset_fields`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.windows.presets.preset_fields import Resampling

FloatArray = npt.NDArray[np.float64]


def resampled(
    times: FloatArray,
    values: npt.NDArray[np.floating],
    at: FloatArray,
    how: Resampling = "linear",
    max_gap_s: float | None = None,
) -> FloatArray:
    """Return the values of a signal at other times.

    Parameters
    ----------
    times
        (n_samples,) seconds on the session clock, ascending; of equal ones the last counts.
    values
        (n_samples,) or (n_samples, n_columns); NaN where a sample has no value, and then nothing is interpolated
        from it.
    at
        Seconds, any shape.
    how
        ``linear``: on the line between the two samples around the time. ``circular``: the same along the shorter way
        round, of angles in radians; results lie in [-π, π). ``hold``: the last sample at or before the time.
    max_gap_s
        Samples further apart have no data between them; any distance is bridged where None.

    Returns
    -------
    numpy.ndarray
        float64, shape of ``at``, with one more axis of (n_columns,) where ``values`` has it; NaN outside the samples
        and in gaps.

    Raises
    ------
    BadUpstreamData
        If times descend or are not finite.
    ConfigError
        If ``how`` is ``count``: events are counted by `counted_events`.

    Examples
    --------
    >>> resampled(np.array([0.0, 1.0, 5.0]), np.array([0.0, 2.0, 4.0]), np.array([-1.0, 0.5, 1.0, 3.0]), max_gap_s=2.0)
    array([nan,  1.,  2., nan])
    """
    if how == "count":
        raise ConfigError("resampling 'count'", "it is for events, and this is a sampled signal", "Use linear or hold.")
    _check_ascending(times)
    stated = np.asarray(values, dtype=np.float64)
    columns = stated[:, None] if stated.ndim == 1 else stated
    where = np.asarray(at, dtype=np.float64)
    found = np.full((where.size, columns.shape[1]), np.nan)
    if len(times):
        flat = where.ravel()
        before = np.searchsorted(times, flat, side="right") - 1
        known = (before >= 0) & (flat <= times[-1])
        found[known] = _between(times, columns, flat[known], before[known], how, max_gap_s)
    return found.reshape(*where.shape, *stated.shape[1:])


def counted_events(times: FloatArray, edges: FloatArray) -> FloatArray:
    """Return how many events lie in each bin between consecutive edges; a bin holds its start and not its end.

    Parameters
    ----------
    times
        (n_events,) seconds, in any order; what is not finite is none.
    edges
        (..., n_bins + 1) seconds, ascending along the last axis.

    Returns
    -------
    numpy.ndarray
        (..., n_bins) float64, whole numbers: where nothing was recorded, the caller sets NaN.
    """
    ordered = np.sort(times[np.isfinite(times)])
    return np.diff(np.searchsorted(ordered, edges, side="left"), axis=-1).astype(np.float64)


def _between(
    times: FloatArray,
    values: FloatArray,
    at: FloatArray,
    before: npt.NDArray[np.intp],
    how: Resampling,
    max_gap_s: float | None,
) -> FloatArray:
    """Return (n, n_columns) values at times ``at``, of which ``before`` is the last sample at or before each."""
    after = np.minimum(before + 1, len(times) - 1)
    exact = at == times[before]
    step = times[after] - times[before]
    share = np.divide(at - times[before], step, out=np.zeros(len(at)), where=step > 0)[:, None]
    start, change = values[before], values[after] - values[before]
    if how == "hold":
        found = start.copy()
    elif how == "circular":
        turned = np.mod(change + np.pi, 2 * np.pi) - np.pi
        found = np.where(exact[:, None], start, start + turned * share)
        found = np.mod(found + np.pi, 2 * np.pi) - np.pi
    else:
        found = np.where(exact[:, None], start, start + change * share)
    if max_gap_s is not None:
        found[~exact & (step > max_gap_s)] = np.nan
    return found


def _check_ascending(times: FloatArray) -> None:
    if not np.isfinite(times).all() or (np.diff(times) < 0).any():
        raise BadUpstreamData(
            "signal", "its times descend or are not finite", "Sort the samples by time and leave out those without one."
        )
