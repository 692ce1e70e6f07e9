"""Charts of a unit's intervals and lags: refractory period, allowed violations, confidence.

Add a chart of spike timing here. The lags are counted in `unit_counts`; intervals and autocorrelogram are those that
are stored beside the units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.qc.metrics.histogram_file import UnitHistogram
from nh_platform.qc.metrics.interval_histograms import ACG, ISI
from nh_platform.qc.metrics.time_metrics import REFRACTORY_PERIOD_S
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.session_page.unit_figures.amplitude_fits import shown
from nh_platform.reports.session_page.unit_figures.sliding_test import DEFAULT_CONFIDENCE_PERCENT, SlidingTest
from nh_platform.reports.session_page.unit_figures.unit_counts import UnitCounts
from nh_platform.session.units_of_measure import MS_PER_S

ACG_SHOWN_S = 0.05
"""Lags of the autocorrelogram to each side; 100 ms are stored."""
SHORT_BIN_SAMPLES = 10
"""Samples of a bin of the short lags: a third of a millisecond."""
UNTESTED_S = 0.002
"""Region of a unit that the sliding test leaves open: brainbox counts pairs below 2 ms beside it."""
_BY_HILL = ("allen.isi_violations", "ibl.contamination", "spikeinterface.isi_violations_ratio")
_PERIODS_S = {**dict.fromkeys(_BY_HILL, REFRACTORY_PERIOD_S), "spikeinterface.rp_contamination": 0.001}
"""Refractory period of the metrics that have a fixed one, as their definitions state it."""
_FEW = "This unit has fewer than two spikes."

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Refractory:
    """Refractory period and contamination that the active rulebook asks about, of every unit.

    Parameters
    ----------
    periods_s
        (n_units,) s; NaN for units that cannot be tested.
    share
        Largest contamination that passes, 0-1; NaN where no rule states one.
    pairs_per_s
        (n_units,) pairs of spikes per second of lag that this contamination gives: ``2 share rate n`` by Hill's formula
        and IBL's sliding test, ``(2 share - share^2) rate n`` by Llobet's, which SpikeInterface's sliding test takes
        for whole spikes; a bin of lag ``b`` may hold ``b`` times as many.
    words
        How the period was found.
    """

    periods_s: Floats
    share: float
    pairs_per_s: Floats
    words: str


def refractory(
    counts: UnitCounts, sliding: SlidingTest, n_spikes: npt.NDArray[np.int64], rates_hz: Floats, book: Rulebook
) -> Refractory:
    """Return the test of the first rule of a rulebook that is about refractory periods.

    Parameters
    ----------
    counts
        Of the session.
    sliding
        The sliding test of the rulebook.
    n_spikes, rates_hz
        (n_units,) spikes, and spikes per second of the probe's time.
    book
        The active rulebook.
    """
    fixed = np.where(counts.timed, REFRACTORY_PERIOD_S, np.nan)
    for rule in book.rules:
        name = rule.metric.split("@")[0]
        if rule.metric == sliding.metric:
            periods = np.where(counts.timed, np.where(sliding.passes, sliding.best_periods_s, UNTESTED_S), np.nan)
            words = f"the period of largest confidence where that is {DEFAULT_CONFIDENCE_PERCENT:g} %, else to 2 ms"
            return Refractory(periods, sliding.share, sliding.pairs_per_s, words)
        if name in _PERIODS_S and isinstance(rule.threshold, int | float):
            share, period_s = float(rule.threshold), _PERIODS_S[name]
            pairs = 2 * share if name in _BY_HILL else 1 - (1 - min(share, 1.0)) ** 2
            periods = np.where(counts.timed, period_s, np.nan)
            return Refractory(periods, share, pairs * rates_hz * n_spikes, f"{period_s * MS_PER_S:g} ms")
    return Refractory(fixed, np.nan, np.full(len(fixed), np.nan), f"{REFRACTORY_PERIOD_S * MS_PER_S:g} ms")


def intervals(histograms: Mapping[str, UnitHistogram], counts: UnitCounts, test: Refractory) -> Chart:
    """Return the stored histogram of log intervals with the refractory region and the violations that are allowed."""
    stored = histograms[ISI]
    edges_ms = stored.edges_s * MS_PER_S
    low_ms = float(edges_ms[0])
    widths_s = np.diff(stored.edges_s)
    centres = np.sqrt(stored.edges_s[:-1] * stored.edges_s[1:])
    allowed = np.where(centres <= test.periods_s[:, None], test.pairs_per_s[:, None] * widths_s, np.nan)
    region = np.column_stack([np.where(np.isfinite(test.periods_s), low_ms, np.nan), test.periods_s * MS_PER_S])
    return Chart(
        "intervals",
        "Inter-spike intervals",
        Axis("interval", "ms", low_ms, float(edges_ms[-1]), scale="log"),
        Axis("intervals", "1", low=0),
        (
            Layer("band", region, name="refractory", colour="muted", text="refractory", per_unit=True),
            Layer("steps", edges_ms, shown(stored.counts, counts.timed), name="intervals", per_unit=True),
            *_allowed_layer(centres * MS_PER_S, allowed, test),
        ),
        caption=(
            f"Bins of equal width on a logarithmic axis. The refractory region reaches to {test.words}; intervals in "
            "it are violations."
        ),
        lacking="" if counts.timed.any() else "No unit has two spikes.",
        lacking_unit=_FEW,
    )


def autocorrelogram(histograms: Mapping[str, UnitHistogram], counts: UnitCounts, test: Refractory) -> Chart:
    """Return the stored autocorrelogram to 50 ms on both sides, with the refractory region and the allowed level."""
    stored = histograms[ACG]
    n_bins = int(np.searchsorted(stored.edges_s, ACG_SHOWN_S + 1e-9)) - 1
    edges_ms = stored.edges_s[: n_bins + 1] * MS_PER_S
    pairs = shown(stored.counts[:, :n_bins], counts.timed)
    bin_s = float(stored.edges_s[1] - stored.edges_s[0])
    return Chart(
        "autocorrelogram",
        "Autocorrelogram",
        Axis("lag", "ms", -float(edges_ms[-1]), float(edges_ms[-1])),
        Axis("pairs of spikes", "1", low=0),
        (
            _both_sides_region(test),
            Layer("bars", _mirrored_edges(edges_ms), _mirrored(pairs), name="pairs", per_unit=True),
            *_level(test, bin_s),
        ),
        caption=(
            "Pairs of the unit's spikes by the time between them, in bins of 1 ms. A single neuron leaves a gap "
            "around 0; peaks at even distances are noise or rhythm."
        ),
        lacking="" if counts.timed.any() else "No unit has two spikes.",
        lacking_unit=_FEW,
    )


def short_lags(counts: UnitCounts, test: Refractory) -> Chart:
    """Return the lags up to 10 ms in bins of a third of a millisecond, where the refractory period is seen."""
    from nh_platform.qc.metrics.kernels import sliding_rp

    n_units, n_lags = counts.lag_pairs.shape
    pairs = counts.lag_pairs.reshape(n_units, n_lags // SHORT_BIN_SAMPLES, SHORT_BIN_SAMPLES).sum(axis=2)
    bin_s = SHORT_BIN_SAMPLES / sliding_rp.SAMPLING_RATE_HZ
    edges_ms = np.arange(pairs.shape[1] + 1) * bin_s * MS_PER_S
    region = np.column_stack([np.where(np.isfinite(test.periods_s), 0, np.nan), test.periods_s * MS_PER_S])
    level = np.repeat((test.pairs_per_s * bin_s)[:, None], 2, axis=1)
    return Chart(
        "short-lags",
        "Short lags and allowed violations",
        Axis("lag", "ms", 0, float(edges_ms[-1])),
        Axis("pairs of spikes", "1", low=0),
        (
            Layer("band", region, name="refractory", colour="muted", text="refractory", per_unit=True),
            Layer("bars", edges_ms, shown(pairs, counts.timed), name="pairs", per_unit=True),
            *_allowed_layer(region, np.where(np.isfinite(region), level, np.nan), test, x_per_unit=True),
        ),
        caption=f"The autocorrelogram close to 0. The refractory region reaches to {test.words}.",
        lacking="" if counts.timed.any() else "No unit has two spikes.",
        lacking_unit=_FEW,
        columns=(),
    )


def confidence(counts: UnitCounts, sliding: SlidingTest, columns: frozenset[str]) -> Chart:
    """Return the confidence of the sliding refractory-period test against the period, with the rule's threshold."""
    x = sliding.periods_s * MS_PER_S
    limit = sliding.limit_percent
    return Chart(
        "confidence",
        "Sliding refractory period",
        Axis("refractory period", "ms", 0, float(x[-1])),
        Axis("confidence", "%", 0, 100),
        (
            Layer("line", x, sliding.curves, name="confidence", per_unit=True),
            Layer("mark", [limit], name="threshold", colour="second", along="y", text=f"{limit:g} %"),
        ),
        caption=(
            f"Confidence that at most {sliding.share * 100:g} % of the spikes come from other neurons, if the neuron's "
            "refractory period were this long. The unit passes where the curve reaches the threshold at any period "
            "from 0.5 ms on."
        ),
        lacking="" if counts.timed.any() else "No unit has two spikes.",
        lacking_unit=_FEW,
        columns=tuple(name for name in sliding.columns if name in columns),
    )


def _mirrored_edges(edges: Floats) -> Floats:
    return np.concatenate([-edges[:0:-1], edges])


def _mirrored(rows: Floats) -> Floats:
    return np.concatenate([rows[:, ::-1], rows], axis=1)


def _both_sides_region(test: Refractory) -> Layer:
    period_ms = test.periods_s * MS_PER_S
    region = np.column_stack([-period_ms, period_ms])
    return Layer("band", region, name="refractory", colour="muted", text="refractory", per_unit=True)


def _level(test: Refractory, bin_s: float) -> list[Layer]:
    period_ms = test.periods_s * MS_PER_S
    level = np.repeat((test.pairs_per_s * bin_s)[:, None], 2, axis=1)
    return _allowed_layer(np.column_stack([-period_ms, period_ms]), level, test, x_per_unit=True)


def _allowed_layer(x: Floats, y: Floats, test: Refractory, *, x_per_unit: bool = False) -> list[Layer]:
    """Return the level of violations that are allowed; none where no rule states one."""
    if not np.isfinite(test.share):
        return []
    name = f"allowed at {test.share * 100:g} %"
    places = x if x_per_unit else np.broadcast_to(x, y.shape[1:])
    return [Layer("line", places, y, name=name, colour="second", per_unit=True, exact=True)]
