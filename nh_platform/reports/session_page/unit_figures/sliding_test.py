"""The sliding refractory-period test of the active rulebook: confidence by period, as its metric searches it.

Contains the record, and how each definition of the test fills it by the functions of its metric. Add here how another
definition tests. What is drawn of it is in `timing_charts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.qc.rules.rulebook_model import HOLDS, Rule, Rulebook
from nh_platform.qc.rules.verdicts import threshold_in
from nh_platform.reports.session_page.unit_figures.amplitude_fits import shown
from nh_platform.reports.session_page.unit_figures.unit_counts import UnitCounts

LEVEL_SEARCH = "spikeinterface.sliding_rp_violation@0.105"
"""The test that looks for the smallest contamination; IBL's asks about one."""
_OF_ONE_LEVEL = ("ibl.max_confidence", "ibl.slidingRP_viol", "ibl.min_contamination")
TESTED_SHARE = 0.1
"""Contamination that IBL's test asks about (slidingRP as brainbox calls it)."""
DEFAULT_CONFIDENCE_PERCENT = 90.0

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SlidingTest:
    """Confidence of every unit that it is contaminated by no more than a share, for each refractory period.

    Parameters
    ----------
    metric
        Definition id, or its name without a version; empty where the rulebook has no such test and IBL's is shown.
    periods_s
        (n_periods,) s, refractory periods from 0.5 ms on.
    curves
        (n_units, n_periods) confidence in %; NaN for units that cannot be tested.
    share
        Contamination that is asked about, 0-1.
    limit_percent
        Confidence that a unit has to reach at any period.
    passes
        (n_units,) whether it does.
    pairs_per_s
        (n_units,) pairs of spikes per second of lag that this contamination gives.
    columns
        Columns of the units that belong to the test.
    """

    metric: str
    periods_s: Floats
    curves: Floats
    share: float
    limit_percent: float
    passes: npt.NDArray[np.bool_]
    pairs_per_s: Floats
    columns: tuple[str, ...]

    @property
    def best_periods_s(self) -> Floats:
        """(n_units,) s, the first period of the largest confidence; NaN for units without a curve."""
        known = np.asarray(np.isfinite(self.curves).all(axis=1), dtype=bool)
        best = self.periods_s[np.where(known[:, None], self.curves, 0).argmax(axis=1)]
        return np.asarray(np.where(known, best, np.nan), dtype=np.float64)


def sliding_rule(book: Rulebook) -> Rule | None:
    """Return the first rule of a rulebook that is about a sliding refractory-period test; None without one."""
    return next((rule for rule in book.rules if is_sliding(rule.metric)), None)


def searches_levels(book: Rulebook) -> bool:
    """Return whether the test of a rulebook is `LEVEL_SEARCH`, which counts pairs of its own."""
    rule = sliding_rule(book)
    return rule is not None and rule.metric == LEVEL_SEARCH


def is_sliding(metric: str) -> bool:
    """Return whether a definition id is that of a sliding refractory-period test."""
    return metric == LEVEL_SEARCH or metric.split("@")[0] in _OF_ONE_LEVEL


def sliding_test(counts: UnitCounts, n_spikes: Integers, book: Rulebook) -> SlidingTest:
    """Return the test that a rulebook names, else IBL's.

    Parameters
    ----------
    counts
        Of the session, with the pairs of the test (`UnitCounts.sliding_pairs`) where it is `LEVEL_SEARCH`.
    n_spikes
        (n_units,) spikes.
    book
        The active rulebook.
    """
    rule = sliding_rule(book)
    if rule is not None and searches_levels(book):
        return _level_search(counts, n_spikes, rule)
    return _one_level(counts, n_spikes, book, rule)


def _one_level(counts: UnitCounts, n_spikes: Integers, book: Rulebook, rule: Rule | None) -> SlidingTest:
    """Return IBL's test, as `nh_platform.qc.metrics.kernels.sliding_rp` searches it.

    ``100 (1 - P(observed pairs; expected))`` with the Poisson distribution; its largest value from 0.5 ms on is
    ``max_confidence``.
    """
    from scipy.special import pdtr

    from nh_platform.qc.metrics.kernels import sliding_rp

    rates = (counts.rate_hz * sliding_rp.LEVELS[sliding_rp.LEVEL_10_PERCENT])[:, None]
    expected = rates * sliding_rp.RP_EDGE_S * 2 * n_spikes[:, None]
    every = 100 * (1 - pdtr(np.cumsum(counts.lag_pairs, axis=1), np.nan_to_num(expected)))
    curves = shown(every[:, sliding_rp.FIRST_RP :], counts.timed)
    limit = next(
        (float(one.threshold) for one in book.rules if one.metric.startswith("ibl.max_confidence@")),  # type: ignore[arg-type]
        DEFAULT_CONFIDENCE_PERCENT,
    )
    return SlidingTest(
        metric=rule.metric if rule is not None else "",
        periods_s=sliding_rp.RP_S[sliding_rp.FIRST_RP :],
        curves=curves,
        share=TESTED_SHARE,
        limit_percent=limit,
        passes=np.isfinite(curves).all(axis=1) & (curves.max(axis=1, initial=0) >= DEFAULT_CONFIDENCE_PERCENT),
        pairs_per_s=2 * TESTED_SHARE * counts.rate_hz * n_spikes,
        columns=("ibl.max_confidence@2022-10", "ibl.min_contamination@2022-10", "ibl.rp_min_val@2022-10"),
    )


def _level_search(counts: UnitCounts, n_spikes: Integers, rule: Rule) -> SlidingTest:
    """Return SpikeInterface's test at the largest contamination that the rule lets pass.

    The confidence grows with the level, so the unit passes where that of this level is above 90 % at any period.
    """
    from nh_platform.qc.metrics.spikeinterface import times

    threshold = threshold_in(rule, "1")
    allowed = times.CONTAMINATION[HOLDS[rule.comparison](times.CONTAMINATION, threshold)]
    share = float(allowed.max(initial=times.CONTAMINATION[0]))
    levels, of_share = np.array([share]), n_spikes * share
    with np.errstate(invalid="ignore"):  # a unit without spikes has no rate
        found = times.sliding_confidence(counts.sliding_pairs, n_spikes, counts.recording_samples, levels)
    curves = shown(100 * found[:, 0], counts.timed)
    pairs = 2 * of_share * (n_spikes - of_share + (of_share - 1) / 2)
    per_s = pairs / (counts.recording_samples / times.SAMPLING_RATE_HZ)
    return SlidingTest(
        metric=rule.metric,
        periods_s=times.TESTED_PERIODS_S,
        curves=curves,
        share=share,
        limit_percent=100 * times.CONFIDENCE,
        passes=np.isfinite(curves).all(axis=1) & (curves.max(axis=1, initial=0) > 100 * times.CONFIDENCE),
        pairs_per_s=per_s,
        columns=(LEVEL_SEARCH,),
    )
