"""Ground truth of every simulated unit: its firing, contamination, amplitudes, drift, presence and response.

Contains the record of one unit and the designs that units are drawn from. Add a design here when a QC rule or an
analysis needs a unit that fails in a new way. No spike is drawn here: that is `nh_platform.simulation.spike_trains`;
the table that is written beside the session is `nh_platform.simulation.truth_table`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

ALLOWED_CONTAMINATION = 0.1
"""Contamination that the sliding refractory period test accepts (slidingRP 1.1.1, as brainbox calls it)."""

FIRST_DESIGNS = (
    "clean", "contaminated", "clean", "cut", "small", "contaminated_cut",
    "empty", "one_spike", "few_spikes", "bursting", "intermittent", "clean",
    "clean", "pair", "pair", "cut_small", "contaminated_small", "contaminated_cut_small",
    "drifting", "two_spikes", "clean", "quiet", "clean", "bursting",
)  # fmt: skip
"""Designs of the first units of a session, in order over its probes, so that even a tiny session has one of each."""

FURTHER_DESIGNS = {
    "clean": 0.36,
    "tolerable": 0.04,
    "contaminated": 0.12,
    "cut": 0.10,
    "small": 0.08,
    "contaminated_cut": 0.03,
    "contaminated_small": 0.03,
    "cut_small": 0.03,
    "contaminated_cut_small": 0.03,
    "quiet": 0.08,
    "bursting": 0.04,
    "intermittent": 0.02,
    "drifting": 0.03,
    "few_spikes": 0.01,
}
"""Share of each design among all further units."""

EXACT_COUNTS = {"empty": 0, "one_spike": 1, "two_spikes": 2, "few_spikes": 20}
RESPONSES = ("stimulus", "choice", "feedback", "none")


@dataclass(frozen=True)
class UnitTruth:
    """The parameters that the spikes of one unit are made from; `truth_table.TRUTH` says what each means.

    ``exact_count`` is the number of spikes to write, or -1 where the rate decides. ``contamination`` and
    ``missing`` are the designed shares; the table holds the realised ones.
    """

    cluster_id: int
    design: str
    rate_hz: float
    refractory_s: float
    contamination: float
    amplitude_v: float
    amplitude_sd_v: float
    threshold_v: float
    missing: float
    depth_um: float
    drift_um: float
    silent: tuple[float, float] | None
    burst: float
    partner: int
    shared_rate_hz: float
    response: str
    preferred: float
    gain: float
    exact_count: int = -1
    optotagged: bool = False
    burst_share: float = float("nan")
    rhythm_hz: float = float("nan")
    rhythm_depth: float = 0.0


def decisive_rate_hz(duration_s: float, refractory_s: float) -> float:
    """Return a rate at which a clean unit passes the sliding refractory period test with a margin.

    Without any violation the test's confidence is ``1 - exp(-expected)`` with ``expected = 0.2 rate² T refractory``
    (slidingRP 1.1.1 at 10 % contamination); 90 % needs ``expected >= 2.303``. The margin is a factor 1.6 in rate.
    """
    return 1.6 * float(np.sqrt(-np.log(0.1) / (2 * ALLOWED_CONTAMINATION * duration_s * refractory_s)))


def draw_units(
    rng: np.random.Generator,
    n_units: int,
    *,
    first: int,
    duration_s: float,
    mean_rate_hz: float,
    depth_range_um: float,
    designs: Sequence[str] | None = None,
) -> list[UnitTruth]:
    """Draw the units of one probe.

    Parameters
    ----------
    rng
        Generator of this probe.
    n_units
        Units to draw.
    first
        Number of units on the probes before this one, to go on in `FIRST_DESIGNS`.
    duration_s
        Length of the session.
    mean_rate_hz
        Median rate of the units that are not designed to be rare.
    depth_range_um
        Units lie between 20 µm and this distance from the tip.
    designs
        (n_units,) the design of each unit; drawn from `FIRST_DESIGNS` and `FURTHER_DESIGNS` where not given. A design
        that is in neither is a clean unit.

    Returns
    -------
    list of UnitTruth
        In the order of ``cluster_id``, which is not the order of designs.
    """
    if designs is None:
        further, shares = list(FURTHER_DESIGNS), np.array(list(FURTHER_DESIGNS.values()))
        drawn = rng.choice(len(further), size=n_units, p=shares / shares.sum())
        designs = [
            FIRST_DESIGNS[first + i] if first + i < len(FIRST_DESIGNS) else further[drawn[i]] for i in range(n_units)
        ]
    cluster_ids = rng.permutation(n_units)
    truths = [
        _draw_unit(rng, int(cluster_ids[i]), str(design), duration_s, mean_rate_hz, depth_range_um, RESPONSES[i % 4])
        for i, design in enumerate(designs)
    ]
    return sorted(_paired(truths, rng), key=lambda truth: truth.cluster_id)


def _draw_unit(
    rng: np.random.Generator,
    cluster_id: int,
    design: str,
    duration_s: float,
    mean_rate_hz: float,
    depth_range_um: float,
    response: str,
) -> UnitTruth:
    """Draw one unit; every design draws the same number of values, so that designs do not shift each other."""
    spread, refractory_draw, share, cut, amp, sd, depth, drift, start, side, gain = rng.random(11)
    refractory_s = 0.0025 + 0.0015 * refractory_draw
    rate_hz = mean_rate_hz * float(np.exp(1.4 * (spread - 0.5)))
    rate_hz = float(np.clip(rate_hz, decisive_rate_hz(duration_s, refractory_s), 45.0))
    # Missing 22-38 % keeps noise_cutoff far above 5 (smallest seen 9); at 10 % it lies around 5.
    missing = 0.22 + 0.16 * cut if "cut" in design else 0.0
    amplitude_v = (36e-6 + 6e-6 * amp) if "small" in design else (85e-6 + 150e-6 * amp**2)
    amplitude_sd_v = amplitude_v * (0.10 + 0.04 * sd)
    exact_count = EXACT_COUNTS.get(design, -1)
    silent = None
    if design == "intermittent":
        silent = (duration_s * (0.1 + 0.3 * start), duration_s * (0.6 + 0.3 * start))
    if design == "quiet":
        rate_hz = 0.15 + 0.3 * spread
    contamination = {"tolerable": 0.03}.get(design, 0.22 + 0.2 * share if "contaminated" in design else 0.0)
    responds = exact_count < 0 and design != "quiet"
    truth = UnitTruth(
        cluster_id=cluster_id,
        design=design,
        rate_hz=rate_hz if exact_count < 0 else 0.0,
        refractory_s=refractory_s,
        contamination=contamination,
        amplitude_v=amplitude_v,
        amplitude_sd_v=amplitude_sd_v,
        threshold_v=0.0,
        missing=0.0,
        depth_um=20.0 + (depth_range_um - 20.0) * depth,
        drift_um=(40.0 + 40.0 * drift) * (1 if side < 0.5 else -1) if design == "drifting" else 4.0 * (drift - 0.5),
        silent=silent,
        burst=0.35 if design == "bursting" else 0.0,
        partner=-1,
        shared_rate_hz=0.0,
        response=response if responds else "none",
        preferred=1.0 if side < 0.5 else -1.0,
        gain=1.5 + 2.0 * gain if responds and response != "none" else 0.0,
        exact_count=exact_count,
    )
    return with_cut(truth, missing)


def with_cut(truth: UnitTruth, missing: float) -> UnitTruth:
    """Return the unit with a detection threshold under which this share of its Gaussian of amplitudes lies."""
    if not missing:
        return truth
    threshold_v = truth.amplitude_v + truth.amplitude_sd_v * NormalDist().inv_cdf(missing)
    return replace(truth, missing=missing, threshold_v=threshold_v)


def _paired(truths: list[UnitTruth], rng: np.random.Generator) -> Iterator[UnitTruth]:
    """Make partners of the units of design ``pair``, two by two; the second lies beside the first."""
    pairs = [truth for truth in truths if truth.design == "pair"]
    partner = {a.cluster_id: b for a, b in zip(pairs[::2], pairs[1::2])}
    partner |= {b.cluster_id: a for a, b in zip(pairs[::2], pairs[1::2])}
    shared_rate_hz = 0.5 + float(rng.random())
    for truth in truths:
        other = partner.get(truth.cluster_id)
        if other is None:
            yield truth
        else:
            depth_um = min(truth.depth_um, other.depth_um) + (20.0 if truth.cluster_id > other.cluster_id else 0.0)
            yield replace(truth, partner=other.cluster_id, shared_rate_hz=shared_rate_hz, depth_um=depth_um)


def presence(truth: UnitTruth, duration_s: float) -> float:
    """Return the share of the session in which the unit may fire."""
    return 1.0 if truth.silent is None else 1.0 - (truth.silent[1] - truth.silent[0]) / duration_s
