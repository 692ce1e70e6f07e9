"""Sensitivity and specificity of rules against units whose truth is known.

Contains the counts of right and wrong verdicts and the histograms behind the figures. Add here another measure of how
well a rule does. When a unit is bad is stated in `nh_platform.qc.validation.truth`; nothing is simulated or drawn here.

Words: a *bad* unit is one that the rule should reject by the truth. Sensitivity is the share of bad units that it
rejects, specificity the share of good ones that it keeps. Values are recomputed from the spikes wherever a definition
exists, so that the definition is tested, not a vintage of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.qc.rules.rule_summary import criterion
from nh_platform.qc.rules.rulebook_model import Rule, Rulebook
from nh_platform.qc.rules.verdicts import BoolArray, Verdicts, apply_rulebook, in_rule_unit, is_numeric
from nh_platform.qc.validation.truth import CONDITIONS

FEW_SPIKES = 500
"""Under it a rejected good unit is counted apart: no test can decide about so few spikes."""
ALL_RULES = "all rules"
N_BINS = 30


@dataclass(frozen=True)
class Counts:
    """Units by verdict and truth.

    Parameters
    ----------
    rejected_bad, kept_bad, kept_good, rejected_good
        True positives, false negatives, true negatives, false positives.
    rejected_few
        Of ``rejected_good``, units with fewer than `FEW_SPIKES` spikes.
    """

    rejected_bad: int
    kept_bad: int
    kept_good: int
    rejected_good: int
    rejected_few: int

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

    @property
    def rejected(self) -> float:
        """Share of all units that are rejected; NaN where there is none."""
        return _share(self.rejected_bad + self.rejected_good, self.kept_bad + self.kept_good)


@dataclass(frozen=True)
class TruthBin(Counts):
    """Results of a rule on the units whose true quantity lies in ``[low, high)``.

    ``low`` and ``high`` are in the unit of measure of the truth's scale; values outside all bins are in the outer ones.
    """

    low: float
    high: float


@dataclass(frozen=True)
class RuleValidation(Counts):
    """Results of one rule, or all rules of a rulebook together, on units with known truth.

    Parameters
    ----------
    rule, criterion, truth
        Id of the rule (`ALL_RULES` for the whole rulebook), what it asks for, and when it should reject, in words.
    threshold
        The rule's, in its unit of measure; NaN where there is no histogram.
    edges, counts_bad, counts_good
        Histogram of the values in the rule's unit of measure, values outside in the outer bins; empty for text, yes/no
        and the whole rulebook.
    quantity, unit, critical
        The true quantity that the rule is about, its unit of measure, and the value at which a unit becomes bad; empty
        and NaN where no single quantity decides.
    bins
        How the rule did along that quantity; bins without units are left out.
    """

    rule: str
    criterion: str
    truth: str
    threshold: float = float("nan")
    edges: tuple[float, ...] = ()
    counts_bad: tuple[int, ...] = ()
    counts_good: tuple[int, ...] = ()
    quantity: str = ""
    unit: str = ""
    critical: float = float("nan")
    bins: tuple[TruthBin, ...] = ()


def validate_rulebook(units: pd.DataFrame, truth: pd.DataFrame, rulebook: Rulebook) -> list[RuleValidation]:
    """Count right and wrong verdicts of every rule of a rulebook, and of all of them together.

    Parameters
    ----------
    units
        One row per unit: definition-id columns, ``n_spikes``, and what released-only rules read.
    truth
        One row per unit in the same order, from `nh_platform.qc.validation.truth.truth_of`.
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
            *_counts(rejected[:, column], bad[column], few),
            rule.id,
            criterion(rule),
            CONDITIONS[rule.metric].text.format(threshold=_threshold(rule)),
            *_histograms(verdicts, column, bad[column]),
            *_along_truth(rule, truth, rejected[:, column], bad[column], few),
        )
        for column, rule in enumerate(rules)
    ]
    together: BoolArray = np.any(bad, axis=0)
    counts = _counts(~verdicts.good, together, few)
    return [*found, RuleValidation(*counts, ALL_RULES, "every rule", "any of the above")]


def unvalidated(rulebook: Rulebook) -> list[str]:
    """Return the ids of the unit rules that no condition of the truth is known for."""
    return [rule.id for rule in rulebook.rules if rule.metric not in CONDITIONS]


def recomputed_ids(rulebooks: Sequence[Rulebook]) -> list[str]:
    """Return the definition ids that must be recomputed to validate ``rulebooks``, sorted."""
    from nh_platform.qc.metrics import known_metrics

    return sorted(
        {metric for book in rulebooks for rule in book.rules for metric in rule.metrics} & known_metrics().keys()
    )


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
    """Return threshold and histograms of a rule; nothing where it does not compare numbers."""
    nothing = (float("nan"), (), (), ())
    rule, values = verdicts.rulebook.rules[column], verdicts.values[column]
    if not is_numeric(values) or isinstance(rule.threshold, list | str | bool):
        return nothing
    numbers = in_rule_unit(rule, values)
    finite = np.isfinite(numbers)
    if not finite.any():
        return nothing
    # As wide as the good units lie around the threshold, twice: cut-offs of bad units reach 1e5 where good ones are 0
    # to 3, and would put every other unit into one bin.
    threshold = float(rule.threshold)
    good = numbers[finite & ~bad]
    reach = 2 * max(abs(float(limit) - threshold) for limit in np.percentile(good, [1, 99])) if len(good) else np.inf
    low = min(max(float(numbers[finite].min()), threshold - reach), threshold)
    high = max(min(float(numbers[finite].max()), threshold + reach), threshold)
    edges = np.linspace(low, high if high > low else low + 1.0, N_BINS + 1)
    clipped = np.clip(numbers, edges[0], edges[-1])
    counts = [tuple(np.histogram(clipped[finite & rows], edges)[0].tolist()) for rows in (bad, ~bad)]
    return threshold, tuple(edges.tolist()), counts[0], counts[1]


def _along_truth(
    rule: Rule, truth: pd.DataFrame, rejected: BoolArray, bad: BoolArray, few: BoolArray
) -> tuple[str, str, float, tuple[TruthBin, ...]]:
    """Return how a rule did along the quantity that it is about; nothing where no single quantity decides."""
    scale = CONDITIONS[rule.metric].scale
    if scale is None:
        return "", "", float("nan"), ()
    critical = scale.critical(rule)
    # The critical value is an edge, so that a bin holds units that are all good or all bad by this quantity.
    edges = np.unique([*scale.edges, critical])
    values = np.clip(truth[scale.column].to_numpy(dtype=np.float64) * scale.per_unit, edges[0], edges[-1])
    place = np.minimum(np.searchsorted(edges, values, side="right") - 1, len(edges) - 2)
    bins = []
    for number in np.unique(place).tolist():
        rows = place == number
        low, high = edges[number : number + 2].tolist()
        bins.append(TruthBin(*_counts(rejected[rows], bad[rows], few[rows]), low, high))
    return scale.name, scale.unit, critical, tuple(bins)


def _threshold(rule: Rule) -> str:
    return criterion(rule).split(" ", 2)[-1]


def _share(right: int, wrong: int) -> float:
    return right / (right + wrong) if right + wrong else float("nan")
