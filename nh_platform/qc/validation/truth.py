"""Truth conditions: when a rule should reject a unit, one for every metric that a rule may name.

Contains the conditions, where each comes from, and the joining of a truth table to units. Add a condition here when a
rulebook names a metric that has none. The truth is handed in as a table; verdicts are counted in
`nh_platform.qc.validation.validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.qc.rules.rulebook_model import HOLDS, Rule
from nh_platform.qc.rules.verdicts import BoolArray, threshold_in
from nh_platform.session import SchemaError
from nh_platform.session.units_of_measure import UV_PER_V

TRUTH_COLUMNS = ("unit_id", "acronym", "contamination", "missing", "amplitude_v", "presence", "rate_hz", "refractory_s")
"""Columns of a truth table that the conditions read: shares 0-1, volts, Hz, seconds."""

ALLOWED_CONTAMINATION = 0.1
"""Contamination that slidingRP accepts as brainbox calls it (ibllib 4.1.0 METRICS_PARAMS, RPslide_thresh)."""
ALLOWED_MISSING = 0.1
"""noise_cutoff has no unit of missing spikes; a Gaussian that lacks its lowest tenth lies at its threshold of 5."""
LABEL_AMPLITUDE_V = 50e-6
"""Amplitude that IBL's label asks for (ibllib 4.1.0 METRICS_PARAMS, med_amp_thresh_uv)."""
ISI_THRESHOLD_S = 0.0015
"""Violations are counted below it (ecephys_spike_sorting isi_threshold)."""
OUTSIDE = ("", "void")
"""How a truth table names the region of a unit that lies outside the brain."""


@dataclass(frozen=True)
class TruthScale:
    """The true quantity along which a rule turns from keeping to rejecting.

    Parameters
    ----------
    column
        Column of the truth table.
    name
        The quantity in words.
    unit
        Unit of measure of ``edges``, as in `nh_platform.qc.rules.quantities`.
    per_unit
        What a value of the column is multiplied by to be in ``unit``.
    edges
        Edges of the bins in which a rule is counted, besides the critical value of the rule itself.
    critical
        Returns the value in ``unit`` at which a unit becomes bad, from the rule.
    """

    column: str
    name: str
    unit: str
    per_unit: float
    edges: tuple[float, ...]
    critical: Callable[[Rule], float]


@dataclass(frozen=True)
class TruthCondition:
    """Condition under which a rule should reject a unit.

    Parameters
    ----------
    text
        The condition in words; ``{threshold}`` is the rule's own.
    bad
        Returns (n_units,) bool from the truth table and the rule.
    source
        Why this is what the rule asks for.
    scale
        The quantity that it depends on; None where it is more than one, or yes or no.
    """

    text: str
    bad: Callable[[pd.DataFrame, Rule], BoolArray]
    source: str
    scale: TruthScale | None = None


def _contaminated(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    return _array(truth["contamination"] > ALLOWED_CONTAMINATION)


def _cut(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    return _array(truth["missing"] > ALLOWED_MISSING)


def _violating(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    foreign = truth["contamination"] / (1.0 - truth["contamination"])
    return _array((foreign > threshold_in(rule, "1")) | (truth["refractory_s"] < ISI_THRESHOLD_S))


def _unlabelled(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    return _contaminated(truth, rule) | _cut(truth, rule) | _array(truth["amplitude_v"] <= LABEL_AMPLITUDE_V)


def _outside(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    return _array(truth["acronym"].isin(OUTSIDE))


def _fails_itself(column: str, unit: str) -> Callable[[pd.DataFrame, Rule], BoolArray]:
    """Return a condition that holds the true value against the rule's own comparison and threshold."""

    def bad(truth: pd.DataFrame, rule: Rule) -> BoolArray:
        return _array(~HOLDS[rule.comparison](truth[column].to_numpy(dtype=np.float64), threshold_in(rule, unit)))

    return bad


_SHARES = (0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45)
_PRESENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.001)
_RATES_HZ = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0)
_AMPLITUDES_UV = (20.0, 30.0, 40.0, 45.0, 50.0, 55.0, 60.0, 80.0, 120.0)


def _contamination(critical: Callable[[Rule], float]) -> TruthScale:
    return TruthScale("contamination", "share of foreign spikes", "1", 1.0, _SHARES, critical)


def _missing(critical: Callable[[Rule], float]) -> TruthScale:
    return TruthScale("missing", "share of missing spikes", "1", 1.0, _SHARES, critical)


def _own(unit: str) -> Callable[[Rule], float]:
    return lambda rule: threshold_in(rule, unit)


def _share_of_all(rule: Rule) -> float:
    """Return the share of all spikes that are foreign where their rate relative to the unit's own is the threshold."""
    relative = threshold_in(rule, "1")
    return relative / (1.0 + relative)


_SLIDING = TruthCondition(
    "more than 10 % of the spikes come from other neurons",
    _contaminated,
    "slidingRP 1.1.1 tests contamination of at most 10 %, as brainbox calls it",
    _contamination(lambda rule: ALLOWED_CONTAMINATION),
)
_NOISE_CUTOFF = TruthCondition(
    "more than 10 % of the spikes were lost under the detection threshold",
    _cut,
    "IBL spike sorting white paper 2022: a cut-off amplitude distribution",
    _missing(lambda rule: ALLOWED_MISSING),
)
_PRESENCE = TruthCondition(
    "silent for so long that presence does not reach {threshold}",
    _fails_itself("presence", "1"),
    "the share of the session in which the unit may fire at all",
    TruthScale("presence", "share of the session with the unit", "1", 1.0, _PRESENCES, _own("1")),
)
_RATE = TruthCondition(
    "drawn with a rate that does not exceed {threshold}",
    _fails_itself("rate_hz", "Hz"),
    "the rate of its own train",
    TruthScale("rate_hz", "rate", "Hz", 1.0, _RATES_HZ, _own("Hz")),
)
_ISI = TruthCondition(
    "other neurons fire into it at more than {threshold} of its own rate, or it has no refractory period of 1.5 ms",
    _violating,
    "Hill et al. 2011: rate of contaminating spikes relative to the unit's own",
    _contamination(_share_of_all),
)

_FOREIGN = TruthCondition(
    "a share of its spikes above {threshold} comes from other neurons",
    _fails_itself("contamination", "1"),
    "Llobet et al. 2022: share of foreign spikes",
    _contamination(_own("1")),
)
_AMPLITUDE = TruthCondition(
    "its spikes have a mean amplitude of at most {threshold}",
    _fails_itself("amplitude_v", "V"),
    "mean of the Gaussian that its amplitudes are drawn from, before any cut",
    TruthScale("amplitude_v", "amplitude", "uV", UV_PER_V, _AMPLITUDES_UV, _own("uV")),
)
_AMPLITUDE_CUTOFF = TruthCondition(
    "the detection threshold removed a share of its spikes above {threshold}",
    _fails_itself("missing", "1"),
    "share of the Gaussian below the threshold (Hill et al. 2011)",
    _missing(_own("1")),
)

CONDITIONS: dict[str, TruthCondition] = {
    "ibl.max_confidence@2022-10": _SLIDING,
    "ibl.slidingRP_viol@2022-10": _SLIDING,
    "ibl.slidingRP_viol@2022-03": _SLIDING,
    "ibl.noise_cutoff@2022-10": _NOISE_CUTOFF,
    "ibl.noise_cutoff@2022-03": _NOISE_CUTOFF,
    "ibl.amp_median@2022-10": _AMPLITUDE,
    "ibl.label@2022-10": TruthCondition(
        "contaminated, cut off or small as for the three rules of the label",
        _unlabelled,
        "the conditions of max_confidence, noise_cutoff and 50 µV together",
    ),
    "ibl.presence_ratio@2022-10": _PRESENCE,
    "allen.presence_ratio@2019": _PRESENCE,
    "ibl.firing_rate@2022-10": _RATE,
    "allen.firing_rate@2019": _RATE,
    "allen.isi_violations@2019": _ISI,
    "allen.amplitude_cutoff@2019": _AMPLITUDE_CUTOFF,
    "spikeinterface.amplitude_cutoff@0.105": _AMPLITUDE_CUTOFF,
    "spikeinterface.amplitude_median@0.105": _AMPLITUDE,
    "spikeinterface.presence_ratio@0.105": _PRESENCE,
    "spikeinterface.isi_violations_ratio@0.105": _ISI,
    "spikeinterface.rp_contamination@0.105": _FOREIGN,
    "spikeinterface.sliding_rp_violation@0.105": _FOREIGN,
    "nh.inside_brain@1": TruthCondition(
        "its peak channel lies outside the brain (a probe without registration lies inside)",
        _outside,
        "region of the peak channel on the simulated track",
    ),
}
"""By definition id. ``allen.quality@2019`` has none: the judgement of a waveform is drawn, not caused. The number of
spikes, drift and the signal-to-noise ratio have none either: the truth states no cause of theirs."""


def truth_of(units: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``truth`` in the order of ``units``.

    Raises
    ------
    SchemaError
        If a column of `TRUTH_COLUMNS` is missing, or a unit has no truth or two.
    """
    missing = [name for name in TRUTH_COLUMNS if name not in truth.columns]
    if missing:
        raise SchemaError("ground truth", f"columns missing: {', '.join(missing)}", "Simulate the session again.")
    keyed = truth.assign(unit_id=truth["unit_id"].astype(str)).set_index("unit_id")
    ids = units["unit_id"].astype(str)
    unknown = ids[~ids.isin(keyed.index)]
    if len(unknown) or not keyed.index.is_unique:
        found = f"{len(unknown)} units have no truth" if len(unknown) else "a unit stands twice"
        raise SchemaError("ground truth", found, "Pass the truth of the same session and the same sorting.")
    return keyed.loc[ids].reset_index()


def _array(values: pd.Series | np.ndarray) -> BoolArray:
    return np.asarray(values, dtype=bool)
