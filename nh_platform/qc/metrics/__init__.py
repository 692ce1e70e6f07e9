"""Unit metrics: what each one is, and the numbers computed from spikes.

`METRICS` and `definition` say what a metric is; `compute_metrics` computes any of them for a session;
`unit_histograms` gives autocorrelograms and interval histograms (`HISTOGRAMS`). Add a metric as a definition (modules
`ibl`, `allen`, `nh`) and a family of code (modules `families_*`). Rules, thresholds and verdicts do not belong here.
"""

from nh_platform.qc.metrics.compute import compute_metrics
from nh_platform.qc.metrics.definitions.lookup import DEFAULT_IDS, HISTOGRAMS, METRICS, definition
from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition
from nh_platform.qc.metrics.interval_histograms import UnitHistogram, unit_histograms

__all__ = [
    "DEFAULT_IDS",
    "HISTOGRAMS",
    "METRICS",
    "MetricDefinition",
    "UnitHistogram",
    "compute_metrics",
    "definition",
    "unit_histograms",
]
