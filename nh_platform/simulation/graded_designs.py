"""Units whose faults are graded across the thresholds of the rules, for validation alone.

Contains the designs of the size `size.GRADED`, and the choice between them and those of `ground_truth`. There every
unit is clearly good or clearly bad, so that a session has units of every label; a rule that is held against such units
is right by construction. Here contamination, missing spikes, amplitude, presence and rate are spread evenly from none
to far beyond what any rule allows. Add a graded fault here when a rule looks at something new. No spike is drawn here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nh_platform.simulation.ground_truth import UnitTruth, draw_units, with_cut
from nh_platform.simulation.size import SimulationSize

SHARES = {
    "graded_contamination": 0.27,
    "graded_missing": 0.27,
    "graded_amplitude": 0.18,
    "graded_presence": 0.08,
    "graded_rate": 0.08,
    "graded_all": 0.08,
    "contaminated_cut": 0.04,
}
"""Share of each design: one fault at a time, so that a rule meets its own; some with all; some that are multi-unit
activity without a refractory period in Visual Coding and Visual Behavior."""

LARGEST_SHARE = 0.4
"""Largest contamination and share of missing spikes."""
AMPLITUDE_RANGE_V = (20e-6, 120e-6)
LONGEST_SILENCE = 0.45
"""Largest share of the session without spikes."""
RATE_RANGE_HZ = (0.02, 2.0)
OTHER_RATE_RANGE_HZ = (1.0, 20.0)
"""Rates where the rate is not the fault: drawn evenly on a logarithmic scale, as unit rates are spread."""
DEPTH_RANGE_UM = 3720.0
"""Units lie up to a little above the brain surface, where real sorts find noise."""


def draw_probe_units(
    rng: np.random.Generator, n_units: int, *, number: int, duration_s: float, size: SimulationSize
) -> list[UnitTruth]:
    """Draw the units of probe ``number`` by the designs that the size asks for; all probes have ``n_units``."""
    truths = draw_units(
        rng,
        n_units,
        first=number * n_units,
        duration_s=duration_s,
        mean_rate_hz=size.mean_rate_hz,
        depth_range_um=DEPTH_RANGE_UM,
        designs=tuple(rng.choice(list(SHARES), size=n_units, p=list(SHARES.values()))) if size.graded else None,
    )
    return [_graded(rng, truth, duration_s) for truth in truths] if size.graded else truths


def _graded(rng: np.random.Generator, truth: UnitTruth, duration_s: float) -> UnitTruth:
    """Give a unit the fault of its design; every design draws the same number of values."""
    rate, contamination, missing, amplitude, silence, start = rng.random(6)
    fault = truth.design.removeprefix("graded_")
    if fault == truth.design:
        return truth
    low, high = RATE_RANGE_HZ if fault == "rate" else OTHER_RATE_RANGE_HZ
    changes: dict[str, object] = {"rate_hz": low * (high / low) ** rate}
    if fault in ("contamination", "all"):
        changes["contamination"] = LARGEST_SHARE * contamination
    if fault in ("amplitude", "all"):
        volts = AMPLITUDE_RANGE_V[0] + (AMPLITUDE_RANGE_V[1] - AMPLITUDE_RANGE_V[0]) * amplitude
        changes |= {"amplitude_v": volts, "amplitude_sd_v": volts * truth.amplitude_sd_v / truth.amplitude_v}
    if fault in ("presence", "all"):
        length = LONGEST_SILENCE * silence * duration_s
        begin = (duration_s - length) * start
        changes["silent"] = (begin, begin + length)
    if fault == "rate":
        changes |= {"response": "none", "gain": 0.0}
    made = replace(truth, **changes)  # type: ignore[arg-type]
    return with_cut(made, LARGEST_SHARE * missing) if fault in ("missing", "all") else made
