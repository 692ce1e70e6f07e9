"""Spikes of all units of a probe from their ground truth, in a few vectorised passes.

Contains the point process: Poisson firing, event responses, bursts, shared spikes, dead time, contamination, amplitude
cut-off and drift. Add a mechanism here when a design of `nh_platform.simulation.ground_truth` needs it. No file is
written and no metric computed here.

A superposition of Poisson trains is the Poisson train of the summed rate, so responses are added as extra spikes; the
dead time is then enforced by deletion, as in a counter that cannot be paralysed. Everything is sorted as one array of
integers ``unit << 41 | sample << 1 | contaminating`` (11.5 million in under a second).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.simulation.ground_truth import UnitTruth, presence

SAMPLING_RATE_HZ = 30_000
_UNIT_BIT = 41
_TRANSIENT_DELAY_S = 0.04
SUSTAINED_DELAY_S = 0.05

Keys = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EvokedResponse:
    """Extra spikes that events cause.

    Parameters
    ----------
    times
        (n_events,) float64, seconds.
    durations
        (n_events,) float64, seconds; 0 for a transient response (40 ms delay, gamma-shaped, mean 60 ms), else spikes
        spread evenly over the event, delayed by 50 ms.
    weights
        (n_units, n_events) float64, expected number of extra spikes.
    """

    times: Floats
    durations: Floats
    weights: Floats


@dataclass(frozen=True)
class ExtraSpikes:
    """Spikes beside those that are drawn, at times of their own: of light, or all those of a unit of `unit_types`.

    Parameters
    ----------
    units
        (n,) int64, unit of each.
    times
        (n,) float64, seconds.
    """

    units: Keys
    times: Floats

    def __add__(self, other: ExtraSpikes) -> ExtraSpikes:
        """Return both."""
        return ExtraSpikes(np.concatenate([self.units, other.units]), np.concatenate([self.times, other.times]))


@dataclass(frozen=True)
class SimulatedSpikes:
    """Spikes of a probe, grouped by unit and sorted by time within each.

    Parameters
    ----------
    samples
        (n_spikes,) int64, raw sample index at nominally 30 kHz.
    offsets
        (n_units + 1,) int64; spikes of unit ``i`` are ``offsets[i]:offsets[i + 1]``.
    amplitudes, depths
        (n_spikes,) float32, volts and µm from the tip.
    contaminating
        (n_spikes,) bool, True where the spike is not the unit's own.
    n_missing
        (n_units,) int64, spikes removed by the amplitude threshold.
    """

    samples: Keys
    offsets: Keys
    amplitudes: npt.NDArray[np.float32]
    depths: npt.NDArray[np.float32]
    contaminating: npt.NDArray[np.bool_]
    n_missing: Keys

    @property
    def counts(self) -> Keys:
        """(n_units,) spikes of each unit."""
        return np.diff(self.offsets)

    @property
    def n_contaminating(self) -> Keys:
        """(n_units,) contaminating spikes of each unit."""
        return np.diff(np.concatenate([[0], np.cumsum(self.contaminating)])[self.offsets])


def simulate_spikes(
    rng: np.random.Generator,
    truths: Sequence[UnitTruth],
    duration_s: float,
    responses: Sequence[EvokedResponse] = (),
    *,
    sampling_rate_hz: float = SAMPLING_RATE_HZ,
    extra: ExtraSpikes | None = None,
) -> SimulatedSpikes:
    """Simulate the spikes of all units of one probe.

    Parameters
    ----------
    rng
        Generator of this probe's spikes.
    truths
        The units, in the order of their cluster ids.
    duration_s
        Length of the session; spikes lie in ``[0, duration_s)``.
    responses
        Event responses; rows of their weights are the units.
    sampling_rate_hz
        Rate of the raw samples on the session clock; a few ppm off 30 kHz in real recordings.
    extra
        Further spikes, as light drives them; the dead time and the threshold hold for them too.
    """
    units, times = _poisson(rng, truths, duration_s)
    evoked = [_evoked(rng, response) for response in responses]
    units = np.concatenate([units, *(unit for unit, _ in evoked)])
    times = np.concatenate([times, *(time for _, time in evoked)])
    units, times = _add_shared(rng, truths, units, times, duration_s)
    units, times = _add_bursts(rng, truths, units, times)
    if extra is not None:
        units, times = np.concatenate([units, extra.units]), np.concatenate([times, extra.times])
    units, times = _inside(truths, units, times, duration_s)
    keys = np.sort(_keys(units, times, sampling_rate_hz))
    # Rounded up, so that no distance in seconds is ever below the refractory period of the truth.
    refractory = np.ceil([truth.refractory_s * sampling_rate_hz for truth in truths]).astype(np.int64)
    keys = _enforce_dead_time(keys, refractory)
    keys = np.sort(np.concatenate([keys, _contamination(rng, truths, keys, duration_s, sampling_rate_hz)]))
    return _with_amplitudes(rng, truths, keys, duration_s, sampling_rate_hz)


def _poisson(rng: np.random.Generator, truths: Sequence[UnitTruth], duration_s: float) -> tuple[Keys, Floats]:
    """Homogeneous Poisson spikes, inflated by what the dead time will delete; exact counts evenly spread."""
    rate = np.array([truth.rate_hz - truth.shared_rate_hz for truth in truths])
    dead = np.array([truth.refractory_s for truth in truths])
    counts = rng.poisson(np.maximum(rate, 0.0) / (1.0 - rate * dead) * duration_s)
    exact = np.array([truth.exact_count for truth in truths])
    counts = np.where(exact >= 0, exact, counts)
    units = np.repeat(np.arange(len(truths)), counts)
    times = rng.random(len(units))
    spread = exact[units] >= 0
    # One spike in each of `exact` equal parts: no two are close, so the count stays what the design says.
    place = np.arange(len(units)) - np.repeat(np.cumsum(counts) - counts, counts)
    times[spread] = (place[spread] + 0.1 + 0.8 * times[spread]) / exact[units[spread]]
    return units, times * duration_s


def _evoked(rng: np.random.Generator, response: EvokedResponse) -> tuple[Keys, Floats]:
    counts = rng.poisson(response.weights)
    unit, event = np.nonzero(counts)
    repeat = counts[unit, event]
    units, events = np.repeat(unit, repeat), np.repeat(event, repeat)
    transient = _TRANSIENT_DELAY_S + rng.gamma(2.0, 0.03, size=len(units))
    sustained = SUSTAINED_DELAY_S + rng.random(len(units)) * response.durations[events]
    latency = np.where(response.durations[events] > 0, sustained, transient)
    return units, response.times[events] + latency


def _add_shared(
    rng: np.random.Generator, truths: Sequence[UnitTruth], units: Keys, times: Floats, duration_s: float
) -> tuple[Keys, Floats]:
    """Give partners the same Poisson spikes, each jittered by 1 ms."""
    more_units, more_times = [units], [times]
    for index, truth in enumerate(truths):
        if truth.partner > truth.cluster_id:
            shared = rng.random(rng.poisson(truth.shared_rate_hz * duration_s)) * duration_s
            partner = next(i for i, other in enumerate(truths) if other.cluster_id == truth.partner)
            for unit in (index, partner):
                more_units.append(np.full(len(shared), unit))
                more_times.append(shared + rng.normal(0.0, 0.001, len(shared)))
    return np.concatenate(more_units), np.concatenate(more_times)


def _add_bursts(
    rng: np.random.Generator, truths: Sequence[UnitTruth], units: Keys, times: Floats
) -> tuple[Keys, Floats]:
    """Let spikes of bursting units be followed by a few more, 3-8 ms apart."""
    burst = np.array([truth.burst for truth in truths])
    leaders = np.flatnonzero(burst[units] > 0)
    followers = rng.poisson(burst[units[leaders]])
    source = np.repeat(leaders, followers)
    place = 1 + np.arange(len(source)) - np.repeat(np.cumsum(followers) - followers, followers)
    dead = np.array([truth.refractory_s for truth in truths])
    interval = dead[units[source]] + 0.0005 + rng.gamma(2.0, 0.001, size=len(source))
    return np.concatenate([units, units[source]]), np.concatenate([times, times[source] + place * interval])


def _inside(truths: Sequence[UnitTruth], units: Keys, times: Floats, duration_s: float) -> tuple[Keys, Floats]:
    """Drop spikes outside the session and in a unit's silent part."""
    start = np.array([truth.silent[0] if truth.silent else np.inf for truth in truths])
    stop = np.array([truth.silent[1] if truth.silent else -np.inf for truth in truths])
    keep = (times >= 0) & (times < duration_s) & ~((times >= start[units]) & (times < stop[units]))
    return units[keep], times[keep]


def _keys(units: Keys, times: Floats, sampling_rate_hz: float) -> Keys:
    return (units.astype(np.int64) << _UNIT_BIT) | (np.floor(times * sampling_rate_hz).astype(np.int64) << 1)


def _enforce_dead_time(keys: Keys, refractory: Keys) -> Keys:
    """Delete spikes that follow a kept spike of the same unit by less than the unit's refractory period.

    Each pass deletes the first violation of every run, whose predecessor is kept; the rest is judged again. Runs are
    short, so two to five passes suffice.
    """
    while True:
        units = keys >> _UNIT_BIT
        # Sample distance is exact within a unit; between units the unit bits make it huge.
        close = (np.diff(keys) >> 1) < refractory[units[1:]]
        if not close.any():
            return keys
        after_close = np.concatenate([[False], close[:-1]])
        keys = keys[np.concatenate([[True], ~(close & ~after_close)])]


def _contamination(
    rng: np.random.Generator, truths: Sequence[UnitTruth], keys: Keys, duration_s: float, sampling_rate_hz: float
) -> Keys:
    """Poisson spikes of another neuron, so many that they are the designed share of all spikes of the unit."""
    counts = np.bincount(keys >> _UNIT_BIT, minlength=len(truths))
    share = np.array([truth.contamination for truth in truths])
    foreign = np.rint(counts * share / (1.0 - share)).astype(np.int64)
    units = np.repeat(np.arange(len(truths)), foreign)
    # Draw on the time in which the unit fires and shift what lies behind its silent part.
    active = np.array([duration_s * presence(truth, duration_s) for truth in truths])
    start = np.array([truth.silent[0] if truth.silent else np.inf for truth in truths])
    times = rng.random(len(units)) * active[units]
    times = times + np.where(times >= start[units], (duration_s - active)[units], 0.0)
    return _keys(units, times, sampling_rate_hz) | 1


def _with_amplitudes(
    rng: np.random.Generator,
    truths: Sequence[UnitTruth],
    keys: Keys,
    duration_s: float,
    sampling_rate_hz: float,
) -> SimulatedSpikes:
    """Draw amplitudes and depths, and remove what lies below a unit's detection threshold."""
    units = keys >> _UNIT_BIT
    mean = np.array([truth.amplitude_v for truth in truths])
    deviation = np.array([truth.amplitude_sd_v for truth in truths])
    threshold = np.array([truth.threshold_v for truth in truths])
    amplitudes = mean[units] + deviation[units] * rng.standard_normal(len(keys))
    # Gaussians of 10-14 % reach 0 at seven deviations; the floor only guards the logarithm of the metrics.
    amplitudes = np.maximum(amplitudes, 5e-6).astype(np.float32)
    keep = amplitudes >= threshold[units].astype(np.float32)
    n_missing = np.bincount(units[~keep], minlength=len(truths))
    keys, units, amplitudes = keys[keep], units[keep], amplitudes[keep]
    samples = (keys & ((1 << _UNIT_BIT) - 1)) >> 1
    depth = np.array([truth.depth_um for truth in truths])
    drift = np.array([truth.drift_um for truth in truths])
    depths = depth[units] + drift[units] * (samples / (duration_s * sampling_rate_hz))
    depths = np.abs(depths + 6.0 * rng.standard_normal(len(keys)))
    counts = np.bincount(units, minlength=len(truths))
    return SimulatedSpikes(
        samples=samples,
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        amplitudes=amplitudes,
        depths=depths.astype(np.float32),
        contaminating=(keys & 1).astype(np.bool_),
        n_missing=n_missing.astype(np.int64),
    )
