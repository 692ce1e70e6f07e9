"""How often a rule is right: sensitivity and specificity against units whose truth is known.

Contains, for every metric that a rule may name, the condition of the truth under which the rule should reject a unit,
and the counts that follow. Add a condition here when a rulebook names a metric that has none. The truth is handed in
as a table; where it comes from, and the figures, are not this module's matter.

Words: a *bad* unit is one that the rule should reject by the truth. Sensitivity is the share of bad units that it
rejects, specificity the share of good ones that it keeps. Values are recomputed from the spikes wherever a definition
exists, so that the definition is tested, not a vintage of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.qc.rule_summary import criterion
from nh_platform.qc.rulebook_model import Rule, Rulebook
from nh_platform.qc.verdicts import BoolArray, Verdicts, apply_rulebook, in_rule_unit, is_numeric, threshold_in
from nh_platform.session import SchemaError

TRUTH_COLUMNS = ("unit_id", "acronym", "contamination", "missing", "amplitude_v", "presence", "rate_hz", "refractory_s")
"""Columns of a truth table that the conditions read: shares 0-1, volts, Hz, seconds."""

ALLOWED_CONTAMINATION = 0.1
"""Contamination that slidingRP accepts as brainbox calls it (ibllib 4.1.0 METRICS_PARAMS, RPslide_thresh)."""
ALLOWED_MISSING = 0.1
"""noise_cutoff has no unit of missing spikes; a Gaussian that lacks its lowest tenth lies at its threshold of 5."""
ISI_THRESHOLD_S = 0.0015
"""Violations are counted below it (ecephys_spike_sorting isi_threshold)."""
OUTSIDE = ("", "void")
"""How a truth table names the region of a unit that lies outside the brain."""
FEW_SPIKES = 500
"""Under it a rejected good unit is counted apart: no test can decide about so few spikes."""
ALL_RULES = "all rules"
N_BINS = 30


@dataclass(frozen=True)
class TruthCondition:
    """When a rule should reject a unit.

    Parameters
    ----------
    text
        The condition in words; ``{threshold}`` is the rule's own.
    bad
        Returns (n_units,) bool from the truth table and the rule.
    source
        Why this is what the rule asks for.
    """

    text: str
    bad: Callable[[pd.DataFrame, Rule], BoolArray]
    source: str


def _contaminated(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    return _array(truth["contamination"] > ALLOWED_CONTAMINATION)


def _cut(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    return _array(truth["missing"] > ALLOWED_MISSING)


def _violating(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    foreign = truth["contamination"] / (1.0 - truth["contamination"])
    return _array((foreign > threshold_in(rule, "1")) | (truth["refractory_s"] < ISI_THRESHOLD_S))


def _unlabelled(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    return _contaminated(truth, rule) | _cut(truth, rule) | _array(truth["amplitude_v"] <= 50e-6)


def _outside(truth: pd.DataFrame, rule: Rule) -> BoolArray:
    return _array(truth["acronym"].isin(OUTSIDE))


def _fails_itself(column: str, unit: str) -> Callable[[pd.DataFrame, Rule], BoolArray]:
    """Return a condition that holds the true value against the rule's own comparison and threshold."""

    def bad(truth: pd.DataFrame, rule: Rule) -> BoolArray:
        value, threshold = truth[column].to_numpy(dtype=np.float64), threshold_in(rule, unit)
        kept = {
            "<": value < threshold,
            "<=": value <= threshold,
            ">": value > threshold,
            ">=": value >= threshold,
            "==": value == threshold,
        }
        return _array(~kept[rule.comparison])

    return bad


_SLIDING = TruthCondition(
    "more than 10 % of the spikes come from other neurons",
    _contaminated,
    "slidingRP 1.1.1 tests contamination of at most 10 %, as brainbox calls it",
)
_NOISE_CUTOFF = TruthCondition(
    "more than 10 % of the spikes were lost under the detection threshold",
    _cut,
    "IBL spike sorting white paper 2022: a cut-off amplitude distribution",
)
_PRESENCE = TruthCondition(
    "silent for so long that presence does not reach {threshold}",
    _fails_itself("presence", "1"),
    "the share of the session in which the unit may fire at all",
)
_RATE = TruthCondition(
    "drawn with a rate that does not exceed {threshold}", _fails_itself("rate_hz", "Hz"), "the rate of its own train"
)
_ISI = TruthCondition(
    "other neurons fire into it at more than {threshold} of its own rate, or it has no refractory period of 1.5 ms",
    _violating,
    "Hill et al. 2011: rate of contaminating spikes relative to the unit's own",
)

CONDITIONS: dict[str, TruthCondition] = {
    "ibl.max_confidence@2022-10": _SLIDING,
    "ibl.slidingRP_viol@2022-10": _SLIDING,
    "ibl.slidingRP_viol@2022-03": _SLIDING,
    "ibl.noise_cutoff@2022-10": _NOISE_CUTOFF,
    "ibl.noise_cutoff@2022-03": _NOISE_CUTOFF,
    "ibl.amp_median@2022-10": TruthCondition(
        "its spikes have a mean amplitude of at most {threshold}",
        _fails_itself("amplitude_v", "V"),
        "mean of the Gaussian that its amplitudes are drawn from, before any cut",
    ),
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
    "allen.amplitude_cutoff@2019": TruthCondition(
        "the detection threshold removed more of its spikes than {threshold}",
        _fails_itself("missing", "1"),
        "share of the Gaussian below the threshold (Hill et al. 2011)",
    ),
    "nh.inside_brain@1": TruthCondition(
        "its peak channel lies outside the brain",
        _outside,
        "region of the peak channel on the simulated track; a probe without registration is in the brain all the same",
    ),
}
"""By definition id. ``allen.quality@2019`` has none: the judgement of a waveform is drawn, not caused."""


@dataclass(frozen=True)
class RuleValidation:
    """How one rule, or all rules of a rulebook together, did on units with known truth.

    Parameters
    ----------
    rule, criterion, truth
        Id of the rule (`ALL_RULES` for the whole rulebook), what it asks for, and when it should reject, in words.
    rejected_bad, kept_bad, kept_good, rejected_good
        Units by verdict and truth: true positives, false negatives, true negatives, false positives.
    rejected_few
        Of ``rejected_good``, units with fewer than `FEW_SPIKES` spikes.
    threshold
        The rule's, in its unit of measure; NaN where there is no histogram.
    edges, counts_bad, counts_good
        Histogram of the values in the rule's unit of measure, values outside in the outer bins; empty for text, yes/no
        and the whole rulebook.
    """

    rule: str
    criterion: str
    truth: str
    rejected_bad: int
    kept_bad: int
    kept_good: int
    rejected_good: int
    rejected_few: int
    threshold: float = float("nan")
    edges: tuple[float, ...] = ()
    counts_bad: tuple[int, ...] = ()
    counts_good: tuple[int, ...] = ()

    @property
    def n_units(self) -> int:
        """Units with a truth."""
        return self.rejected_bad + self.kept_bad + self.kept_good + self.rejected_good

    @property
    def sensitivity(self) -> float:
        """Share of bad units that are rejected; NaN where no unit is bad."""
        return _share(self.rejected_bad, self.kept_bad)

    @property
    def specificity(self) -> float:
        """Share of good units that are kept; NaN where no unit is good."""
        return _share(self.kept_good, self.rejected_good)


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


def validate_rulebook(units: pd.DataFrame, truth: pd.DataFrame, rulebook: Rulebook) -> list[RuleValidation]:
    """Count right and wrong verdicts of every rule of a rulebook, and of all of them together.

    Parameters
    ----------
    units
        One row per unit: definition-id columns, ``n_spikes``, and what released-only rules read.
    truth
        One row per unit in the same order, at least `TRUTH_COLUMNS` (see `truth_of`).
    rulebook
        A rulebook with unit rules.

    Returns
    -------
    list of RuleValidation
        One per rule that has a condition, in the order of the rulebook, then `ALL_RULES`, over the rules that have one.

    Raises
    ------
    ConfigError
        If the units lack a column that a rule with a condition reads.
    """
    rules = [rule for rule in rulebook.rules if rule.metric in CONDITIONS]
    if not rules:
        return []
    metrics = {rule.metric for rule in rules}
    columns = {metric: sources for metric, sources in rulebook.columns.items() if metric in metrics}
    known = rulebook.model_copy(update={"rules": rules, "columns": columns})
    verdicts = apply_rulebook(units, known, value_source="recomputed")
    few = units["n_spikes"].to_numpy() < FEW_SPIKES
    bad = [CONDITIONS[rule.metric].bad(truth, rule) for rule in rules]
    rejected = verdicts.counted & ~verdicts.passed
    found = [
        RuleValidation(
            rule.id,
            criterion(rule),
            CONDITIONS[rule.metric].text.format(threshold=_threshold(rule)),
            *_counts(rejected[:, column], bad[column], few),
            *_histograms(verdicts, column, bad[column]),
        )
        for column, rule in enumerate(rules)
    ]
    together: BoolArray = np.any(bad, axis=0)
    text = "any of the above"
    found.append(RuleValidation(ALL_RULES, "every rule", text, *_counts(~verdicts.good, together, few)))
    return found


def unvalidated(rulebook: Rulebook) -> list[str]:
    """Return the ids of the unit rules that no condition of the truth is known for."""
    return [rule.id for rule in rulebook.rules if rule.metric not in CONDITIONS]


def recomputed_ids(rulebooks: Sequence[Rulebook]) -> list[str]:
    """Return the definition ids that must be recomputed to validate ``rulebooks``, sorted."""
    from nh_platform.qc.metrics import METRICS

    return sorted({rule.metric for book in rulebooks for rule in book.rules} & set(METRICS))


def _counts(rejected: BoolArray, bad: BoolArray, few: BoolArray) -> tuple[int, int, int, int, int]:
    return (
        int((rejected & bad).sum()),
        int((~rejected & bad).sum()),
        int((~rejected & ~bad).sum()),
        int((rejected & ~bad).sum()),
        int((rejected & ~bad & few).sum()),
    )


def _histograms(
    verdicts: Verdicts, column: int, bad: BoolArray
) -> tuple[float, tuple[float, ...], tuple[int, ...], tuple[int, ...]]:
    rule, values = verdicts.rulebook.rules[column], verdicts.values[column]
    if not is_numeric(values) or isinstance(rule.threshold, list | str | bool):
        return float("nan"), (), (), ()
    numbers = in_rule_unit(rule, values)
    finite = np.isfinite(numbers)
    if not finite.any():
        return float("nan"), (), (), ()
    # As wide as the good units lie around the threshold, twice: cut-offs of bad units reach 1e5 where good ones are 0
    # to 3, and would put every other unit into one bin.
    threshold = float(rule.threshold)
    good = numbers[finite & ~bad]
    reach = 2 * max(abs(float(limit) - threshold) for limit in np.percentile(good, [1, 99])) if len(good) else np.inf
    low = min(max(float(numbers[finite].min()), threshold - reach), threshold)
    high = max(min(float(numbers[finite].max()), threshold + reach), threshold)
    edges = np.linspace(low, high if high > low else low + 1.0, N_BINS + 1)
    clipped = np.clip(numbers, edges[0], edges[-1])
    both = [np.histogram(clipped[finite & rows], edges)[0] for rows in (bad, ~bad)]
    return threshold, tuple(map(float, edges)), tuple(map(int, both[0])), tuple(map(int, both[1]))


def _threshold(rule: Rule) -> str:
    return criterion(rule).split(" ", 2)[-1]


def _share(right: int, wrong: int) -> float:
    return right / (right + wrong) if right + wrong else float("nan")


def _array(values: pd.Series | np.ndarray) -> BoolArray:
    return np.asarray(values, dtype=bool)
