"""Valid time: the spikes outside the invalid intervals of their probe, and how long each probe recorded well.

Contains `valid_spikes` and the stretches between invalid intervals. Add here what leaves invalid times out of spikes
or durations. What an interval does to windows and their bins is `nh_platform.windows.invalid_masks`.

The recording of every probe is taken to last from the first to the last spike of the session, as for the features of
`unit_embeddings`. A spike at the start of an interval is in it, one at its end is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.session import Spikes
from nh_platform.windows.invalid_masks import InvalidTimes

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ValidSpikes:
    """The spikes of a session outside the invalid intervals of their probe.

    Parameters
    ----------
    spikes
        Spikes of all units, in the order of the units table; intervals between two of them may bridge a gap.
    stretches
        (n, 2) start and stop in seconds of the valid time of each probe, by probe name in the order of the units.
    duration_s
        Valid seconds of each probe: what a rate is to be divided by.
    left_out
        Spikes of each probe that are left out.
    """

    spikes: Spikes
    stretches: dict[str, FloatArray]
    duration_s: dict[str, float]
    left_out: dict[str, int]


def valid_spikes(spikes: Spikes, probe_of_unit: Sequence[str], invalid: InvalidTimes) -> ValidSpikes:
    """Leave out the spikes in invalid intervals of their probe or of all probes.

    Parameters
    ----------
    spikes
        Spikes of all units.
    probe_of_unit
        (n_units,) name of each unit's probe.
    invalid
        Invalid intervals of the session.

    Returns
    -------
    ValidSpikes
        With no invalid time its spikes are ``spikes`` itself; a session without spikes has durations of 0 s.

    Examples
    --------
    >>> nothing = np.full(3, np.nan, dtype=np.float32)
    >>> one_unit = Spikes(np.array([0.0, 1.0, 4.0]), np.array([0, 3]), nothing, nothing)
    >>> noise = InvalidTimes(np.zeros((0, 2)), np.zeros((0, 2)), {"probe00": np.array([[0.5, 2.0]])})
    >>> kept = valid_spikes(one_unit, ["probe00"], noise)
    >>> kept.spikes.times.tolist(), kept.duration_s
    ([0.0, 4.0], {'probe00': 2.5})
    """
    first, last = spikes.time_range
    probes = list(dict.fromkeys(probe_of_unit))
    intervals = {probe: invalid.of_spikes(probe) for probe in probes}
    stretches = {probe: valid_stretches(first, last, intervals[probe]) for probe in probes}
    left_out = dict.fromkeys(probes, 0)
    kept = np.ones(len(spikes.times), dtype=bool)
    for unit, probe in enumerate(probe_of_unit):
        if len(intervals[probe]):
            part = slice(int(spikes.offsets[unit]), int(spikes.offsets[unit + 1]))
            kept[part] = ~within(spikes.times[part], intervals[probe])
            left_out[probe] += int((~kept[part]).sum())
    return ValidSpikes(
        spikes=spikes if kept.all() else _only(spikes, kept),
        stretches=stretches,
        duration_s={probe: duration_s(stretches[probe]) for probe in probes},
        left_out=left_out,
    )


def valid_stretches(start: float, stop: float, intervals: FloatArray) -> FloatArray:
    """Return what the merged ``intervals`` (n, 2) leave of ``start`` to ``stop`` (s), (n, 2); none for NaN limits."""
    if not stop >= start:
        return np.zeros((0, 2))
    begins = np.concatenate([[start], intervals[:, 1]]).clip(start, stop)
    ends = np.concatenate([intervals[:, 0], [stop]]).clip(start, stop)
    return np.column_stack([begins, ends])[ends > begins]


def duration_s(stretches: FloatArray) -> float:
    """Return the seconds that stretches (n, 2) last together."""
    return float((stretches[:, 1] - stretches[:, 0]).sum())


def within(times: FloatArray, intervals: FloatArray) -> npt.NDArray[np.bool_]:
    """Return (n_times,) whether each time (s) lies in one of the merged ``intervals`` (n, 2), ends excluded."""
    if len(intervals) == 0:
        return np.zeros(len(times), dtype=bool)
    last = np.searchsorted(intervals[:, 0], times, side="right") - 1
    return (last >= 0) & (times < intervals[last, 1])


def _only(spikes: Spikes, kept: npt.NDArray[np.bool_]) -> Spikes:
    offsets = np.concatenate([[0], np.cumsum(kept)])[spikes.offsets].astype(np.int64)
    return Spikes(spikes.times[kept], offsets, spikes.amplitudes[kept], spikes.depths[kept])
