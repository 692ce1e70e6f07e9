"""Arrays per unit that describe when it fires: the autocorrelogram and the histogram of log intervals.

Contains the bins and the pass that counts both. Add a per-unit array of spike times here, with its definition in
`definitions.nh_metrics`. Single numbers per unit are metrics (`time_metrics`, `amplitude_metrics`); the file is
`histogram_file`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.metrics.block_loop import first_names, for_each_block, probes_of, problem_notes, unit_names
from nh_platform.qc.metrics.definitions.nh_metrics import HISTOGRAM_PARAMETERS
from nh_platform.qc.metrics.unit_blocks import UnitBlock
from nh_platform.session import Note, Spikes

ISI = "nh.log_isi_histogram@1"
ACG = "nh.autocorrelogram@1"


@dataclass(frozen=True)
class UnitHistogram:
    """Counts of every unit in the same bins.

    Parameters
    ----------
    definition
        Definition id, see `nh_platform.qc.metrics.HISTOGRAMS`.
    counts
        (n_units, n_bins) int64, in the order of the units table.
    edges_s
        (n_bins + 1,) float64, s; bin k holds ``edges_s[k] <= value < edges_s[k + 1]``.
    """

    definition: str
    counts: npt.NDArray[np.int64]
    edges_s: npt.NDArray[np.float64]


def unit_histograms(
    spikes: Spikes, units: pd.DataFrame, n_threads: int | None = None
) -> tuple[dict[str, UnitHistogram], tuple[Note, ...]]:
    """Count the intervals and lags of every unit of a session, in one pass over its spikes.

    Lags are of times rounded to samples first, so that a lag of exactly one bin at the sampling rate always falls in
    the bin that it opens; floats would put it on either side of the edge.

    Parameters
    ----------
    spikes
        Spikes grouped by unit; times in s, of any real dtype.
    units
        (n_units,) rows in the order of ``spikes.offsets``, with column ``probe`` and, for the notes, ``unit_id``.
    n_threads
        Number of threads; the result is the same, byte for byte, for every number. None is one per core, at most 8.

    Returns
    -------
    tuple
        Histograms by definition id, and notes on units whose histograms are 0 and on times that could not be used.

    Raises
    ------
    SchemaError
        If ``units`` has no column ``probe`` or not one row per unit.
    """
    from nh_platform.qc.metrics.kernels.time_kernels import interval_counts

    probes = probes_of(units, spikes)
    isi_edges_s, lag_edges_s, bin_samples = _isi_edges_s(), *_lag_bins()
    sampling_rate_hz = HISTOGRAM_PARAMETERS[ACG]["sampling_rate_hz"]
    intervals = np.zeros((spikes.n_units, len(isi_edges_s) - 1), np.int64)
    lags = np.zeros((spikes.n_units, len(lag_edges_s) - 1), np.int64)

    def work(block: UnitBlock, rows: slice) -> None:
        interval_counts(
            block.times,
            block.offsets,
            block.usable(("times",)),
            isi_edges_s,
            sampling_rate_hz,
            bin_samples,
            block.integers,
            intervals[rows],
            lags[rows],
        )

    unknown = np.full(spikes.n_units, np.nan)
    problems = for_each_block(spikes, unknown, unknown, n_threads, work)
    made = {ISI: UnitHistogram(ISI, intervals, isi_edges_s), ACG: UnitHistogram(ACG, lags, lag_edges_s)}
    few = [name for name, count in zip(unit_names(units), spikes.counts.tolist(), strict=True) if count < 2]
    notes = problem_notes(problems, spikes, units, probes, {"times"})
    if few:
        text = f"{len(few)} of {spikes.n_units} units have fewer than two spikes ({first_names(few)})"
        notes = (*notes, Note("histograms", f"{text}: their histograms are 0"))
    return made, notes


def _isi_edges_s() -> npt.NDArray[np.float64]:
    bins = HISTOGRAM_PARAMETERS[ISI]
    shortest_s, longest_s = bins["shortest_s"], bins["longest_s"]
    n_bins = round(np.log10(longest_s / shortest_s) * bins["bins_per_decade"])
    # The C library's power: numpy's takes another kernel where the processor has AVX-512, and its last bit differs.
    return np.array([shortest_s * math.pow(longest_s / shortest_s, edge / n_bins) for edge in range(n_bins + 1)])


def _lag_bins() -> tuple[npt.NDArray[np.float64], int]:
    """Return edges, s, and the samples of a bin."""
    bins = HISTOGRAM_PARAMETERS[ACG]
    bin_samples = round(bins["bin_s"] * bins["sampling_rate_hz"])
    n_bins = round(bins["window_s"] / bins["bin_s"])
    return np.arange(n_bins + 1) * bin_samples / bins["sampling_rate_hz"], bin_samples
