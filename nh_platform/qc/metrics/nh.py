"""The platform's own metrics: the irregularity of firing, which no release states.

Add a definition here when a metric is wanted that no release defines. The code that computes them is in the
`families_*` modules.
"""

from __future__ import annotations

from nh_platform.qc.metrics.definition import MetricDefinition

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
