"""Spike trains of units whose refractory period, bursts, rate and rhythm are known: what features are to recover.

Contains the types, their trains, and sessions whose units are of them (`SimulationSize.unit_types`). Such units answer
neither stimuli nor task and have no faults of sorting, which those of other sessions have
(`nh_platform.simulation.ground_truth`). Add a type here when a feature describes something that none has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.spike_trains import ExtraSpikes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UnitType:
    """Ranges that the units of a type are drawn from, evenly.

    Parameters
    ----------
    name
        Name of the type.
    rate_hz
        Mean rate of what begins bursts or stands alone.
    refractory_s
        Refractory period in seconds.
    burst
        Mean number of further spikes of each burst.
    rhythm_hz, rhythm_depth
        Frequency, and depth ``m`` of the modulated rate ``r (1 + m cos 2πft)``.
    """

    name: str
    rate_hz: tuple[float, float]
    refractory_s: tuple[float, float]
    burst: tuple[float, float] = (0.0, 0.0)
    rhythm_hz: tuple[float, float] = (8.0, 8.0)
    rhythm_depth: tuple[float, float] = (0.0, 0.0)


UNIT_TYPES = (
    UnitType("regular", (2.0, 10.0), (0.003, 0.006)),
    UnitType("fast", (15.0, 40.0), (0.001, 0.002)),
    UnitType("bursting", (2.0, 8.0), (0.002, 0.003), burst=(0.3, 1.5)),
    UnitType("theta", (6.0, 20.0), (0.002, 0.004), rhythm_hz=(5.0, 10.0), rhythm_depth=(0.4, 0.9)),
    UnitType("beta", (10.0, 25.0), (0.001, 0.003), rhythm_hz=(15.0, 30.0), rhythm_depth=(0.4, 0.9)),
)
"""Types as they differ in cortex, hippocampus and basal ganglia; ranges are round numbers, not of one paper."""


def simulate_unit_types(seed: int, units_per_type: int, duration_s: float) -> tuple[list[Floats], pd.DataFrame]:
    """Simulate units of every type.

    Parameters
    ----------
    seed
        Of all draws.
    units_per_type
        Units of each type.
    duration_s
        Length of the trains in seconds.

    Returns
    -------
    tuple
        Ascending times of each unit in seconds, and a row per unit: ``type``, ``rate_hz`` as realised,
        ``refractory_s``, ``burst_share`` (share of spikes in bursts, as designed), ``rhythm_hz`` and ``rhythm_depth``.
    """
    rng = np.random.default_rng(seed)
    drawn = [_draw(rng, kind, duration_s) for kind in UNIT_TYPES for _ in range(units_per_type)]
    rows = [
        {
            "type": one.kind.name,
            "rate_hz": len(one.times) / duration_s,
            "refractory_s": one.refractory_s,
            "burst_share": one.burst_share,
            "rhythm_hz": one.rhythm_hz,
            "rhythm_depth": one.rhythm_depth,
        }
        for one in drawn
    ]
    return [one.times for one in drawn], pd.DataFrame(rows)


def with_unit_types(
    rng: np.random.Generator, truths: Sequence[UnitTruth], duration_s: float
) -> tuple[list[UnitTruth], ExtraSpikes]:
    """Make the units of a probe of the types, as many of each, and draw their spikes.

    Returns
    -------
    tuple
        The units with the type as ``design``: amplitude, place and drift stay, and no fault, partner or response is
        left. Their ``exact_count`` is 0, so that all their spikes are the ones beside.
    """
    kinds = rng.permutation(np.arange(len(truths)) % len(UNIT_TYPES))
    drawn = [_draw(rng, UNIT_TYPES[kind], duration_s) for kind in kinds]
    typed = [
        replace(
            truth,
            design=one.kind.name,
            rate_hz=one.rate_hz,
            refractory_s=one.refractory_s,
            burst=one.burst,
            burst_share=one.burst_share,
            rhythm_hz=one.rhythm_hz,
            rhythm_depth=one.rhythm_depth,
            contamination=0.0,
            threshold_v=0.0,
            missing=0.0,
            drift_um=0.0,
            silent=None,
            partner=-1,
            shared_rate_hz=0.0,
            response="none",
            gain=0.0,
            exact_count=0,
        )
        for truth, one in zip(truths, drawn)
    ]
    units = np.repeat(np.arange(len(drawn)), [len(one.times) for one in drawn])
    return typed, ExtraSpikes(units, np.concatenate([np.zeros(0), *(one.times for one in drawn)]))


@dataclass(frozen=True)
class _Drawn:
    """One unit: what it was drawn as, and its spikes (s); ``rhythm_hz`` is NaN where it has no rhythm."""

    kind: UnitType
    rate_hz: float
    refractory_s: float
    burst: float
    burst_share: float
    rhythm_hz: float
    rhythm_depth: float
    times: Floats


def _draw(rng: np.random.Generator, kind: UnitType, duration_s: float) -> _Drawn:
    rate, refractory, burst, frequency, depth = (
        float(rng.uniform(*limits))
        for limits in (kind.rate_hz, kind.refractory_s, kind.burst, kind.rhythm_hz, kind.rhythm_depth)
    )
    times = _modulated(rng, rate, refractory, frequency, depth, duration_s)
    times, in_burst = _with_bursts(rng, times, burst, refractory)
    kept = _apart(times, refractory) & (times < duration_s)
    share = float(in_burst[kept].mean()) if kept.any() else np.nan
    return _Drawn(kind, rate, refractory, burst, share, frequency if depth else np.nan, depth, times[kept])


def _modulated(
    rng: np.random.Generator, rate: float, refractory: float, frequency: float, depth: float, duration_s: float
) -> Floats:
    """Poisson spikes of a modulated rate, by thinning, inflated by what the dead time will delete."""
    inflated = rate / (1 - rate * refractory)
    times = np.sort(rng.random(rng.poisson(inflated * (1 + depth) * duration_s))) * duration_s
    phase = 2 * np.pi * rng.random()
    wanted = (1 + depth * np.cos(2 * np.pi * frequency * times + phase)) / (1 + depth)
    return np.asarray(times[rng.random(len(times)) < wanted], dtype=np.float64)


def _with_bursts(
    rng: np.random.Generator, times: Floats, burst: float, refractory: float
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Let spikes be followed by more, 0.5 to 2.5 ms after the refractory period; and which ones are of a burst."""
    followers = rng.poisson(burst, len(times))
    source = np.repeat(np.arange(len(times)), followers)
    steps = refractory + 0.0005 + 0.002 * rng.random(len(source))
    # Sum of the steps of one burst: of all steps so far, less those of the bursts before.
    total = np.cumsum(steps)
    first = np.repeat(np.cumsum(followers) - followers, followers)
    late = total - np.where(first > 0, total[np.maximum(first - 1, 0)], 0.0)
    every = np.concatenate([times, times[source] + late])
    in_burst = np.concatenate([followers > 0, np.ones(len(source), dtype=bool)])
    order = np.argsort(every, kind="stable")
    return every[order], in_burst[order]


def _apart(times: Floats, refractory: float) -> npt.NDArray[np.bool_]:
    """Return which spikes follow the kept one before by the refractory period or more."""
    kept = np.zeros(len(times), dtype=bool)
    last = -np.inf
    for index, at in enumerate(times.tolist()):
        if at - last >= refractory:
            kept[index], last = True, at
    return kept
