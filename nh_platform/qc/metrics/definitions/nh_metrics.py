"""The platform's own metrics: the irregularity of firing and its histograms, which no release states.

Add a definition here when a metric is wanted that no release defines. The code that computes them is in the
modules of `MetricGroup`s, that of the histograms in `interval_histograms`.
"""

from __future__ import annotations

from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition

_EDGES = "NaN with fewer than {spikes} spikes and where all intervals are 0."
_PAIRS = " Pairs of intervals that are both 0 are left out."

DEFINITIONS: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        "nh.cv@1",
        "Coefficient of variation of the inter-spike intervals; 1 for a Poisson process.",
        "population std(I) / mean(I)",
        "1",
        ("times",),
        _EDGES.format(spikes=2),
        "as elephant.statistics.cv (scipy.stats.variation)",
    ),
    MetricDefinition(
        "nh.cv2@1",
        "Local variation of successive intervals, insensitive to slow changes of rate; 1 for a Poisson process.",
        "mean of 2 |I_(i+1) - I_i| / (I_(i+1) + I_i)",
        "1",
        ("times",),
        _EDGES.format(spikes=3) + _PAIRS,
        "Holt, Softky, Koch, Douglas 1996, J Neurophysiol 75:1806 (doi:10.1152/jn.1996.75.5.1806)",
    ),
    MetricDefinition(
        "nh.lv@1",
        "Local variation of successive intervals, squared form; 1 for a Poisson process.",
        "3 mean of ((I_i - I_(i+1)) / (I_i + I_(i+1)))^2",
        "1",
        ("times",),
        _EDGES.format(spikes=3) + _PAIRS,
        "Shinomoto, Shima, Tanji 2003, Neural Comput 15:2823 (doi:10.1162/089976603322518759)",
    ),
    MetricDefinition(
        "nh.lvr@1",
        "Local variation corrected for the refractory period.",
        "3 mean of (1 - 4 I_i I_(i+1) / (I_i + I_(i+1))^2) (1 + 4 R / (I_i + I_(i+1)))",
        "1",
        ("times",),
        _EDGES.format(spikes=3) + _PAIRS,
        "Shinomoto et al. 2009, PLoS Comput Biol 5:e1000433 (doi:10.1371/journal.pcbi.1000433)",
        {"refractoriness_s": 0.005},
    ),
)

HISTOGRAM_PARAMETERS = {
    "nh.log_isi_histogram@1": {"shortest_s": 1e-4, "longest_s": 100.0, "bins_per_decade": 10.0},
    "nh.autocorrelogram@1": {"bin_s": 0.001, "window_s": 0.1, "sampling_rate_hz": 30000.0},
}
_ZEROS = (
    "All 0 for a unit with fewer than two spikes, with a note. Unsorted times are sorted; all 0, with a note, where a "
    "time is NaN, infinite or beyond 1e9 s."
)

HISTOGRAMS: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        "nh.log_isi_histogram@1",
        "Inter-spike intervals in bins of equal width on a logarithmic scale, 0.1 ms to 100 s.",
        "edges shortest_s (longest_s / shortest_s)^(k / 60), k = 0..60; counts of I in [edge_k, edge_(k+1)); longer "
        "and shorter intervals are not counted",
        "1",
        ("times",),
        _ZEROS,
        "this platform",
        HISTOGRAM_PARAMETERS["nh.log_isi_histogram@1"],
        dtype="int64",
    ),
    MetricDefinition(
        "nh.autocorrelogram@1",
        "Pairs of spikes by their lag in 1 ms bins up to 100 ms, all pairs and not only neighbours.",
        "times rounded to samples of 30 kHz; counts of lags in [k bin_s, (k + 1) bin_s), k = 0..99, positive lags and "
        "lag 0 of two spikes",
        "1",
        ("times",),
        _ZEROS,
        "Perkel, Gerstein, Moore 1967, Biophys J 7:391 (doi:10.1016/S0006-3495(67)86596-2)",
        HISTOGRAM_PARAMETERS["nh.autocorrelogram@1"],
        dtype="int64",
    ),
)
"""Arrays per unit: counts in fixed bins. They are no columns of `units` and no rule can name them."""
