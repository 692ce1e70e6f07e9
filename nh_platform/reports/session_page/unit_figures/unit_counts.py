"""What the figures of units show, counted for all units of a session in one pass over its spikes.

Contains the record and the pass. Add here what a figure of a unit counts; how it is drawn is in the modules beside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.metrics.block_loop import for_each_block, probes_of
from nh_platform.qc.metrics.compute import probe_ranges
from nh_platform.qc.metrics.unit_blocks import UnitBlock
from nh_platform.reports.session_page.unit_figures.amplitude_fits import AmplitudeFit
from nh_platform.session import Spikes

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

IMAGE_ROWS, IMAGE_COLUMNS = 32, 60
"""Of the image of amplitudes over time: what a reader sees of it, in 0.7 kB a unit."""
RATE_COLUMNS, DEPTH_COLUMNS = 120, 48
DEPTH_SHARES = (0.1, 0.5, 0.9)
"""Quantiles of the depth that are drawn."""
TOP_SHARE = 0.995
"""Share of a unit's amplitudes within the axis: single large ones, as of artefacts, would flatten all others."""
_MARGIN = 0.08
"""Of the range of amplitudes, left free above and below."""


@dataclass(frozen=True)
class UnitCounts:
    """Counts of every unit of a session.

    Parameters
    ----------
    start_s, stop_s
        Recorded time, the range of every axis of time; both 0 without spikes.
    amplitude_image
        (n_units, 32, 60) spikes by amplitude and time.
    amplitude_lows, amplitude_highs
        (n_units,) V, range of its rows; NaN where the amplitudes cannot be used.
    rate_counts
        (n_units, 120) spikes by time.
    depth_quantiles
        (n_units, 3, 48) µm, quantiles `DEPTH_SHARES` by time; NaN without spikes or depths.
    lag_pairs
        (n_units, 300) pairs of spikes by lag, in samples of 1/30000 s.
    rate_hz
        (n_units,) Hz, pairs with a lag in [1, 2) s over the number of spikes, as the sliding refractory-period test
        takes the rate; NaN without spikes.
    timed
        (n_units,) whether the spike times can be used and there are at least two.
    sliding_pairs
        (n_units, 37) pairs of spikes by lag, in the bins of SpikeInterface's sliding test; zeros where it is not drawn.
    recording_samples
        (n_units,) samples of 30 kHz from the first to the last spike of the unit's probe; NaN without spikes.
    amplitude_fit
        Histogram of amplitudes with what the metric of the rulebook compares in it.
    """

    start_s: float
    stop_s: float
    amplitude_image: Integers
    amplitude_lows: Floats
    amplitude_highs: Floats
    rate_counts: Integers
    depth_quantiles: Floats
    lag_pairs: Integers
    rate_hz: Floats
    timed: npt.NDArray[np.bool_]
    sliding_pairs: Integers
    recording_samples: Floats
    amplitude_fit: AmplitudeFit

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.rate_hz)


def count_units(
    spikes: Spikes, units: pd.DataFrame, fit_of: str, by_level: bool = False, n_threads: int | None = None
) -> UnitCounts:
    """Count what the figures of units show.

    Parameters
    ----------
    spikes
        Spikes grouped by unit.
    units
        (n_units,) rows in their order.
    fit_of
        Definition id of the amplitude cut-off that is drawn; empty for none.
    by_level
        Whether the pairs of the test that `nh_platform.reports.session_page.unit_figures.sliding_test.searches_levels`
        asks about are counted.
    n_threads
        As of `nh_platform.qc.metrics.interval_histograms.unit_histograms`: the result is the same for every number.
    """
    from nh_platform.qc.metrics.kernels import sliding_rp
    from nh_platform.qc.metrics.kernels.time_kernels import lags
    from nh_platform.qc.metrics.spikeinterface import times
    from nh_platform.qc.metrics.spikeinterface.recording_samples import n_samples
    from nh_platform.reports.session_page.unit_figures import spike_kernels as kernels

    n_units, recorded = len(units), spikes.recorded_time
    start, stop = (recorded.start, recorded.stop) if recorded.duration_s > 0 else (0.0, 0.0)
    image = np.zeros((n_units, IMAGE_ROWS, IMAGE_COLUMNS), np.int64)
    lows, highs = np.full((2, n_units), np.nan)
    rates = np.zeros((n_units, RATE_COLUMNS), np.int64)
    depths = np.full((n_units, len(DEPTH_SHARES), DEPTH_COLUMNS), np.nan)
    lag_pairs = np.zeros((n_units, len(sliding_rp.RP_S)), np.int64)
    second_pairs = np.zeros(n_units, np.int64)
    timed = np.zeros(n_units, np.bool_)
    sliding_pairs = np.zeros((n_units, len(times.RP_EDGES_S) - 1), np.int64)
    samples = np.full(n_units, np.nan)
    fit = AmplitudeFit.empty(n_units, fit_of)
    shares = np.array(DEPTH_SHARES)

    def work(block: UnitBlock, rows: slice) -> None:
        has_times = block.usable(("times",))
        timed[rows] = has_times & (block.counts > 1)
        kernels.count_per_column(block.times, block.offsets, has_times, start, stop, rates[rows])
        rate, pairs = sliding_rp.SAMPLING_RATE_HZ, lag_pairs[rows]
        second = second_pairs[rows]
        lags(block.times, block.offsets, has_times, rate, 30000, 60000, block.integers, pairs, second)
        samples[rows] = n_samples(block)
        if by_level:
            sliding_pairs[rows] = times.sliding_pairs(block, has_times)
        has_depths = block.usable(("times", "depths"))
        kernels.quantiles_over_time(
            block.times, block.depths, block.offsets, has_depths, start, stop, shares, depths[rows]
        )
        has_amplitudes = block.usable(("times", "amplitudes"))
        top = np.full(len(has_times), np.nan)
        kernels.upper_bounds(
            block.amplitudes, block.offsets, has_amplitudes, block.smallest, block.largest, TOP_SHARE, top
        )
        lows[rows], highs[rows] = _with_margin(np.where(has_amplitudes, block.smallest, np.nan), top)
        kernels.count_over_time(
            block.times,
            block.amplitudes,
            block.offsets,
            has_amplitudes,
            start,
            stop,
            lows[rows],
            highs[rows],
            image[rows],
        )
        fit.fill(block, has_amplitudes, rows)

    probes = probes_of(units, spikes)
    ranges = probe_ranges(spikes, probes)
    first = np.array([ranges[probe].tmin for probe in probes], np.float64)
    last = np.array([ranges[probe].tmax for probe in probes], np.float64)
    for_each_block(spikes, first, last, n_threads, work)
    counts = spikes.counts
    rate_hz = np.divide(second_pairs, counts, out=np.full(n_units, np.nan), where=counts > 0)
    return UnitCounts(
        start_s=start,
        stop_s=stop,
        amplitude_image=image,
        amplitude_lows=lows,
        amplitude_highs=highs,
        rate_counts=rates,
        depth_quantiles=depths,
        lag_pairs=lag_pairs,
        rate_hz=rate_hz,
        timed=timed,
        sliding_pairs=sliding_pairs,
        recording_samples=samples,
        amplitude_fit=fit,
    )


def _with_margin(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return a range with some room; around equal values a tenth of them to each side, or 1 µV."""
    span = high - low
    room = np.where(span > 0, span * _MARGIN, np.maximum(np.abs(high) * 0.1, 1e-6))
    return low - room, high + room
