"""Metrics from spike amplitudes and depths: level and spread, the cut-offs at the detection threshold, drift.

Each function computes the metrics that share their work, for one unit, and `FAMILIES` says which. Add a metric from
amplitudes or depths here. Definitions in words stand in `ibl` and `allen`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from nh_platform.qc.metrics.family import NAN, Family
from nh_platform.qc.metrics.unit_spikes import UnitSpikes

# ibllib 4.1.0 brainbox/metrics/single_units.py METRICS_PARAMS.
NOISE_EDGES = 100
NOISE_QUANTILE_LENGTH = 0.25
MISSED_SPIKES_PER_BIN = 10
MISSED_SIGMA_BINS = 4
MISSED_MIN_BINS = 50
# ibllib before 96d6c631: nc_quartile_length, nc_n_low_bins.
NOISE_QUARTILE_LENGTH_2022_03 = 0.2
NOISE_LOW_BINS_2022_03 = 2
# ecephys_spike_sorting quality_metrics/metrics.py amplitude_cutoff.
CUTOFF_BINS = 500
CUTOFF_SIGMA_BINS = 3

LARGEST_MISSING = 0.5
SECONDS_PER_HOUR = 3600

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def levels(unit: UnitSpikes) -> tuple[float, ...]:
    """Return smallest, largest and geometric median amplitude (V), and the spread (dB)."""
    smallest, largest = unit.amplitude_range
    if smallest < 0:
        return smallest, largest, NAN, NAN
    # The logarithm keeps the order, so the median needs the logarithm of two amplitudes only.
    below, above = _middle_pair(unit)
    median = float(10 ** ((20 * np.log10(below) + 20 * np.log10(above)) / 2 / 20))
    if unit.n < 2 or smallest == 0:
        return smallest, largest, median, NAN
    work = np.log10(unit.amplitudes, out=unit.scratch[1])
    work -= work.mean()
    np.square(work, out=work)
    return smallest, largest, median, 20 * math.sqrt(float(work.sum()) / (unit.n - 1))


def noise_cutoff(unit: UnitSpikes) -> tuple[float, ...]:
    """Return IBL's noise cut-off of October 2022."""
    counts = _histogram_from_zero(unit)
    if counts is None:
        return (NAN,)
    peak = int(counts.argmax())
    n_upper = int(np.count_nonzero(counts[peak:-1]))
    start = math.ceil(2 * NOISE_QUANTILE_LENGTH * n_upper + peak)
    return (_distance(counts[counts > 0][1:2], counts[start:][counts[start:] > 0]),)


def noise_cutoff_2022_03(unit: UnitSpikes) -> tuple[float, ...]:
    """Return IBL's noise cut-off of before October 2022."""
    counts = _histogram_from_zero(unit)
    steps = np.flatnonzero(np.diff(counts)) if counts is not None else np.array([], int)
    if counts is None or len(steps) < NOISE_LOW_BINS_2022_03:
        return (NAN,)
    peak = int(counts.argmax())
    start = math.ceil((1 - 2 * NOISE_QUARTILE_LENGTH_2022_03) * (steps[-1] - peak) + peak)
    return (_distance(counts[steps[1:NOISE_LOW_BINS_2022_03]], counts[steps[steps > start]]),)


def missed_spikes(unit: UnitSpikes) -> tuple[float, ...]:
    """Return IBL's estimate of the share of missed spikes."""
    if unit.n <= MISSED_SPIKES_PER_BIN * MISSED_MIN_BINS:
        return (NAN,)
    smoothed = _smoothed_density(unit, unit.n // MISSED_SPIKES_PER_BIN, MISSED_SIGMA_BINS)
    if smoothed is None:
        return (NAN,)
    density, cut, _ = smoothed
    return (min(float(density[cut:].sum() / density.sum()), LARGEST_MISSING),)


def amplitude_cutoff(unit: UnitSpikes) -> tuple[float, ...]:
    """Return the Allen estimate of the share of missed spikes."""
    smoothed = _smoothed_density(unit, CUTOFF_BINS, CUTOFF_SIGMA_BINS)
    if smoothed is None:
        return (NAN,)
    density, cut, edges = smoothed
    bin_width = np.mean(np.diff(edges[:-1]))
    return (min(float(density[cut:].sum() * bin_width), LARGEST_MISSING),)


def drift(unit: UnitSpikes) -> tuple[float, ...]:
    """Return IBL's drift, the summed depth difference of successive spikes (µm/h)."""
    if not unit.probe.duration_s > 0:
        return (NAN,)
    steps = np.subtract(unit.depths[1:], unit.depths[:-1], out=unit.scratch[1, 1:])
    np.abs(steps, out=steps)
    return (float(steps.sum()) / unit.probe.duration_s * SECONDS_PER_HOUR,)


def _middle_pair(unit: UnitSpikes) -> tuple[float, float]:
    """Return the two amplitudes at the middle of the order; the same one twice for an odd number."""
    from nh_platform.qc.metrics.kernels import gather_middle

    smallest, largest = unit.amplitude_range
    n_below, n_gathered = gather_middle(unit.amplitudes, smallest, largest, unit.scratch[1])
    gathered = np.sort(unit.scratch[1, :n_gathered])
    return gathered[(unit.n - 1) // 2 - n_below], gathered[unit.n // 2 - n_below]


def _distance(low: Counts, upper: Counts) -> float:
    """Return how many population standard deviations of ``upper`` the mean of ``low`` lies above its mean.

    NaN where ``upper`` does not vary. The sums are exact integers, so equal counts give exactly 0 variance.
    """
    n, total = len(upper), int(upper.sum())
    variance_n2 = n * int(upper @ upper) - total * total
    if variance_n2 <= 0:
        return NAN
    return (int(low.sum()) / len(low) - total / n) / (math.sqrt(variance_n2) / n)


def _histogram_from_zero(unit: UnitSpikes) -> Counts | None:
    """Return (99,) counts on `linspace(0, max, 100)`; None for one spike or where no bins can be made."""
    largest = unit.amplitude_range[1]
    if unit.n < 2 or largest <= 0:
        return None
    # np.linspace(0, largest, 100) in its own arithmetic, a tenth of its time.
    edges: Floats = np.arange(NOISE_EDGES, dtype=np.float64) * (largest / (NOISE_EDGES - 1))
    edges[-1] = largest
    return _counts(unit.amplitudes, edges)


def _smoothed_density(unit: UnitSpikes, n_bins: int, sigma_bins: int) -> tuple[Floats, int, Floats] | None:
    """Return the smoothed amplitude density, the bin where its upper side is as high as its start, and the edges.

    The filter is scipy's own: 3 of 700 units have ties in the comparison that another order of summation breaks.
    None where the amplitudes are too close together for the bins (numpy refuses the histogram then).
    """
    from scipy.ndimage import gaussian_filter1d

    smallest, largest = unit.amplitude_range
    if smallest == largest:
        smallest, largest = smallest - 0.5, largest + 0.5  # as numpy.histogram widens an empty range
    edges = np.linspace(smallest, largest, n_bins + 1)
    counts = _counts(unit.amplitudes, edges)
    if counts is None:
        return None
    density = gaussian_filter1d(counts / np.diff(edges) / counts.sum(), sigma_bins)
    peak = int(density.argmax())
    return density, peak + int(np.abs(density[peak:] - density[0]).argmin()), edges


def _counts(amplitudes: Floats, edges: Floats) -> Counts | None:
    from nh_platform.qc.metrics.kernels import edge_histogram

    if not (edges[1:] > edges[:-1]).all():
        return None
    counts = np.zeros(len(edges) - 1, np.int64)
    edge_histogram(amplitudes, edges, counts)
    return counts


FAMILIES: tuple[Family, ...] = (
    Family(
        (
            "ibl.amp_min@2022-10",
            "ibl.amp_max@2022-10",
            "ibl.amp_median@2022-10",
            "ibl.amp_std_dB@2022-10",
        ),
        levels,
        ("amplitudes",),
    ),
    Family(("ibl.noise_cutoff@2022-10",), noise_cutoff, ("amplitudes",)),
    Family(("ibl.noise_cutoff@2022-03",), noise_cutoff_2022_03, ("amplitudes",)),
    Family(("ibl.missed_spikes_est@2022-10",), missed_spikes, ("amplitudes",)),
    Family(("allen.amplitude_cutoff@2019",), amplitude_cutoff, ("amplitudes",)),
    Family(("ibl.drift@2022-10",), drift, ("times", "depths")),
)
