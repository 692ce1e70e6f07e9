"""Unit metrics: what each one is, and the numbers computed from spikes.

`known_metrics` and `definition` say what a metric is; `compute_metrics` computes any of them for a session;
`unit_histograms` gives autocorrelograms and interval histograms (`HISTOGRAMS`). Add a metric as a definition
(`definitions`) with the function of its `MetricGroup` (`time_metrics`, `amplitude_metrics`), or by a package of your
own. Rules, thresholds and verdicts do not belong here.
"""

from nh_platform.qc.metrics.compute import compute_metrics
from nh_platform.qc.metrics.definitions.lookup import DEFAULT_IDS, HISTOGRAMS, METRICS, definition, known_metrics
from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition
from nh_platform.qc.metrics.interval_histograms import UnitHistogram, unit_histograms
from nh_platform.qc.metrics.metric_group import MetricGroup

__all__ = [
    "DEFAULT_IDS",
    "HISTOGRAMS",
    "METRICS",
    "MetricDefinition",
    "MetricGroup",
    "UnitHistogram",
    "compute_metrics",
    "definition",
    "known_metrics",
    "unit_histograms",
]
