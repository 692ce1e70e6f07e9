"""Histograms of the amplitudes of units, with what the cut-off of the rulebook compares in them.

Contains the record, filled block by block by the same functions as the metrics. Add here how another amplitude
cut-off is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.qc.metrics.unit_blocks import Flags, Floats, Integers, UnitBlock
from nh_platform.qc.rules.rulebook_model import Rulebook

NOISE_CUTOFF, NOISE_CUTOFF_2022_03 = "ibl.noise_cutoff@2022-10", "ibl.noise_cutoff@2022-03"
AMPLITUDE_CUTOFF, CUTOFF_OF_COUNTS = "allen.amplitude_cutoff@2019", "spikeinterface.amplitude_cutoff@0.105"
SMOOTHED = (AMPLITUDE_CUTOFF, CUTOFF_OF_COUNTS)
"""Metrics that compare the two sides of a smoothed histogram: of a density, or of counts."""
DRAWN = (NOISE_CUTOFF, NOISE_CUTOFF_2022_03, *SMOOTHED)
"""Metrics of which the figure shows what they compare."""

SHOWN_BINS = 100
"""Bins of the figure where the metric has more: its 500 are drawn by five."""


def fit_metric(rulebooks: Iterable[Rulebook]) -> str:
    """Return the amplitude cut-off that rules name first, the active rulebook's before others'; empty without one."""
    for book in rulebooks:
        for rule in book.rules:
            if rule.metric in DRAWN:
                return rule.metric
    return ""


@dataclass
class AmplitudeFit:
    """Histograms of amplitudes and what is compared in them, of every unit.

    Parameters
    ----------
    metric
        Definition id; empty where no cut-off is drawn, and the histogram alone is.
    counts
        (n_units, n_bins) spikes.
    lows, highs
        (n_units,) V, range of the bins; NaN where there is no histogram.
    cutoffs
        (n_units,) V, lower edge of the lowest amplitudes that count: those at the detection threshold.
    smoothed
        (n_units, n_bins) spikes per bin of the smoothed histogram; NaN but for the metrics `SMOOTHED`.
    symmetric
        (n_units,) V, from where on as many spikes lie as are estimated to be missing; NaN but for those metrics.
    low_edges
        (n_units, 2) V, edges of the low bin of ``ibl.noise_cutoff``; NaN but for that metric, as the next three are.
    high_edges
        (n_units, 2) V, from the first to the last of its high bins.
    high_means, high_deviations
        (n_units,) spikes, mean and population standard deviation of the high bins.
    """

    metric: str
    counts: Integers
    lows: Floats
    highs: Floats
    cutoffs: Floats
    smoothed: Floats
    symmetric: Floats
    low_edges: Floats
    high_edges: Floats
    high_means: Floats
    high_deviations: Floats

    @classmethod
    def empty(cls, n_units: int, metric: str) -> AmplitudeFit:
        """Return the record before any block was counted."""
        from nh_platform.qc.metrics.amplitude_metrics import NOISE_EDGES

        n_bins = SHOWN_BINS if metric in SMOOTHED else NOISE_EDGES - 1

        def unknown(*shape: int) -> Floats:
            return np.full((n_units, *shape), np.nan)

        return cls(
            metric=metric,
            counts=np.zeros((n_units, n_bins), np.int64),
            lows=unknown(),
            highs=unknown(),
            cutoffs=unknown(),
            smoothed=unknown(n_bins if metric in SMOOTHED else 0),
            symmetric=unknown(),
            low_edges=unknown(2),
            high_edges=unknown(2),
            high_means=unknown(),
            high_deviations=unknown(),
        )

    @property
    def edges(self) -> Floats:
        """(n_units, n_bins + 1) V, edges of the bins."""
        places = np.linspace(0, 1, self.counts.shape[1] + 1)
        return self.lows[:, None] + (self.highs - self.lows)[:, None] * places

    def fill(self, block: UnitBlock, marked: Flags, rows: slice) -> None:
        """Fill the rows of a block; safe from several threads, since no two blocks share a row."""
        if self.metric == AMPLITUDE_CUTOFF:
            self._fill_smoothed(block, marked, rows)
        elif self.metric == CUTOFF_OF_COUNTS:
            self._fill_smoothed_counts(block, marked, rows)
        else:
            self._fill_from_zero(block, marked, rows)

    def _fill_smoothed(self, block: UnitBlock, marked: Flags, rows: slice) -> None:
        from nh_platform.qc.metrics.amplitude_metrics import CUTOFF_BINS, CUTOFF_SIGMA_BINS, smoothing_weights
        from nh_platform.qc.metrics.kernels.amplitude_kernels import smoothed_histograms

        n_units, grouped = len(marked), CUTOFF_BINS // SHOWN_BINS
        counts, cuts = np.zeros((n_units, CUTOFF_BINS), np.int64), np.full(n_units, -1)
        density = np.full((n_units, CUTOFF_BINS), np.nan)
        weights = smoothing_weights(CUTOFF_SIGMA_BINS)
        smoothed_histograms(
            block.amplitudes, block.offsets, marked, block.smallest, block.largest, weights, counts, density, cuts
        )
        low, high = _range(block)
        has, bin_v = cuts >= 0, (high - low) / CUTOFF_BINS
        self.counts[rows] = counts.reshape(n_units, SHOWN_BINS, grouped).sum(axis=2)
        in_spikes = density * (bin_v * block.counts)[:, None]
        self.smoothed[rows] = in_spikes.reshape(n_units, SHOWN_BINS, grouped).sum(axis=2)
        self.lows[rows], self.highs[rows] = np.where(has, low, np.nan), np.where(has, high, np.nan)
        self.cutoffs[rows] = self.lows[rows]
        self.symmetric[rows] = np.where(has, low + cuts * bin_v, np.nan)

    def _fill_smoothed_counts(self, block: UnitBlock, marked: Flags, rows: slice) -> None:
        from nh_platform.qc.metrics.spikeinterface.amplitudes import MIN_SPIKES, cutoff_bins, histograms

        counts, distinct = histograms(block, marked)
        smooth, last = cutoff_bins(counts)
        low, high = _range(block)
        has = marked & distinct
        compared = has & (block.counts >= MIN_SPIKES)
        self.counts[rows] = np.where(has[:, None], counts, 0)
        self.smoothed[rows] = shown(smooth, compared)
        self.lows[rows], self.highs[rows] = np.where(has, low, np.nan), np.where(has, high, np.nan)
        self.cutoffs[rows] = np.where(compared, low, np.nan)
        self.symmetric[rows] = np.where(compared, low + (last + 1) * (high - low) / counts.shape[1], np.nan)

    def _fill_from_zero(self, block: UnitBlock, marked: Flags, rows: slice) -> None:
        from nh_platform.qc.metrics import amplitude_metrics as metrics

        counts = metrics.histograms_from_zero(block, marked)
        n_bins = counts.shape[1]
        has = counts.any(axis=1)
        self.counts[rows] = counts
        self.lows[rows] = np.where(has, 0.0, np.nan)
        self.highs[rows] = np.where(has, block.largest, np.nan)
        bin_v = self.highs[rows] / n_bins
        if self.metric not in (NOISE_CUTOFF, NOISE_CUTOFF_2022_03):
            self.cutoffs[rows] = np.where(has, block.smallest, np.nan)
            return
        compared = metrics.noise_cutoff_bins if self.metric == NOISE_CUTOFF else metrics.noise_cutoff_bins_2022_03
        low_bin, upper = compared(counts)
        low = np.where(has & (low_bin >= 0), low_bin.astype(np.float64), np.nan)
        self.low_edges[rows] = (low[:, None] + [0, 1]) * bin_v[:, None]
        self.cutoffs[rows] = self.low_edges[rows][:, 0]
        some = upper.any(axis=1)
        first = np.where(some, upper.argmax(axis=1).astype(np.float64), np.nan)
        last = np.where(some, n_bins - upper[:, ::-1].argmax(axis=1).astype(np.float64), np.nan)
        self.high_edges[rows] = np.column_stack([first, last]) * bin_v[:, None]
        kept = np.where(upper, counts, np.nan)
        n = upper.sum(axis=1)
        mean = np.divide(np.where(upper, counts, 0).sum(axis=1), n, out=np.full(len(n), np.nan), where=n > 0)
        squares = np.where(upper, (kept - mean[:, None]) ** 2, 0).sum(axis=1)
        self.high_means[rows] = mean
        self.high_deviations[rows] = np.sqrt(np.divide(squares, n, out=np.full(len(n), np.nan), where=n > 0))


def _range(block: UnitBlock) -> tuple[Floats, Floats]:
    """Return (n_units,) V, the range that numpy.histogram makes bins of: one of no width is 0.5 wider to each side."""
    equal = block.smallest == block.largest
    return block.smallest - 0.5 * equal, block.largest + 0.5 * equal


def shown(values: npt.ArrayLike, where: npt.ArrayLike) -> Floats:
    """Return values (n_units, …) as float64, NaN for the units that have none."""
    kept = np.asarray(where, dtype=bool)
    array = np.asarray(values, dtype=np.float64)
    return np.where(kept.reshape(-1, *(1,) * (array.ndim - 1)), array, np.nan)
