"""Unit metrics: what each one is, and the numbers computed from spikes.

`METRICS` and `definition` say what a metric is; `compute_metrics` computes any of them for a session;
`autocorrelogram` and `log_isi_histogram` give arrays per unit. Add a metric as a definition (modules `ibl`, `allen`,
`nh`) and a family of code (modules `families_*`). Rules, thresholds and verdicts do not belong here.
"""

from nh_platform.qc.metrics.compute import compute_metrics
from nh_platform.qc.metrics.definition import MetricDefinition
from nh_platform.qc.metrics.intervals import autocorrelogram, log_isi_histogram
from nh_platform.qc.metrics.registry import DEFAULT_IDS, METRICS, definition

__all__ = [
    "DEFAULT_IDS",
    "METRICS",
    "MetricDefinition",
    "autocorrelogram",
    "compute_metrics",
    "definition",
    "log_isi_histogram",
]
