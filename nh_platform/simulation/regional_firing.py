"""Units that fire as their region does: faster, in bursts, or with a longer refractory period.

Contains what differs between regions where a size asks for it (`SimulationSize.regional`). Elsewhere the units of a
simulated session do not differ by region, so that a score which tells regions apart is by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.insertions import Track, channel_regions, peak_channels


@dataclass(frozen=True)
class RegionalFiring:
    """How the units of a region differ: factor of the rate, mean number of burst spikes, refractory period in s."""

    rate_factor: float
    burst: float
    refractory_s: float


FIRING = {
    "VIS": RegionalFiring(0.8, 0.0, 0.003),
    "CA": RegionalFiring(0.5, 0.8, 0.0025),
    "DG": RegionalFiring(0.5, 0.8, 0.0025),
    "SUB": RegionalFiring(0.5, 0.8, 0.0025),
    "PO": RegionalFiring(2.5, 0.2, 0.0025),
    "LP": RegionalFiring(2.5, 0.2, 0.0025),
    "LGd": RegionalFiring(2.5, 0.2, 0.0025),
    "VPL": RegionalFiring(2.5, 0.2, 0.0025),
    "MRN": RegionalFiring(1.5, 0.0, 0.012),
    "SC": RegionalFiring(1.5, 0.0, 0.012),
}
"""By the first letters of the acronym: cortex, hippocampus, thalamus and midbrain each in a way of their own."""


def with_regional_firing(truths: Sequence[UnitTruth], track: Track) -> list[UnitTruth]:
    """Return the units of a probe with the firing of the regions in which they lie; those by exact count stay."""
    _, acronyms = channel_regions(track)
    channels = peak_channels([truth.depth_um for truth in truths])
    return [_as_in(truth, acronyms[channel]) for truth, channel in zip(truths, channels)]


def _as_in(truth: UnitTruth, acronym: str) -> UnitTruth:
    found = next((firing for name, firing in FIRING.items() if acronym.startswith(name)), None)
    if found is None or truth.exact_count >= 0:
        return truth
    rate_hz = found.rate_factor * truth.rate_hz
    return replace(truth, rate_hz=rate_hz, burst=max(truth.burst, found.burst), refractory_s=found.refractory_s)
