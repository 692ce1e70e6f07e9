"""The Allen Institute's metrics that need spike times and amplitudes only, as in `ecephys_spike_sorting`.

Add a definition here when the Allen Institute changes or adds one. Metrics that need principal components (d-prime,
isolation distance, nearest neighbours, maximum drift) cannot be recomputed from published spikes and are not here; the
code that computes these is in the modules of `MetricGroup`s.
"""

from __future__ import annotations

from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition

_UPSTREAM = "AllenInstitute/ecephys_spike_sorting modules/quality_metrics/metrics.py"
_HILL = "Hill, Mehta, Kleinfeld 2011, J Neurosci 31:8699 (doi:10.1523/JNEUROSCI.0971-11.2011)"

DEFINITIONS: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        "allen.firing_rate@2019",
        "Mean firing rate over the recording of the probe.",
        "N / T",
        "Hz",
        ("times",),
        "0 for an empty unit; NaN where T is 0.",
        _UPSTREAM,
        says="fires {value} times a second on average",
    ),
    MetricDefinition(
        "allen.isi_violations@2019",
        "Rate of refractory violations as a share of the unit's rate; can exceed 1.",
        "exact duplicates dropped, n left; v = #(ISI < 1.5 ms); v / (2 n 1.5 ms) / (n / T)",
        "1",
        ("times",),
        "0 where nothing violates or T is 0; NaN for an empty unit.",
        f"{_UPSTREAM} (2019-2022); {_HILL}",
        {"isi_threshold_s": 0.0015, "min_isi_s": 0.0},
        says="foreign spikes that would explain its intervals under 1.5 ms come at {percent} % of its rate",
    ),
    MetricDefinition(
        "allen.isi_violations_corrected@2023",
        "Contamination from the violation rate, solved for the share of foreign spikes.",
        "n, v as in allen.isi_violations@2019; 1 - sqrt(1 - v T / (n^2 1.5 ms))",
        "1",
        ("times",),
        "0 where nothing violates; NaN where the root is of a negative number and for an empty unit.",
        f"{_UPSTREAM} (2023)",
        {"isi_threshold_s": 0.0015, "min_isi_s": 0.0},
    ),
    MetricDefinition(
        "allen.presence_ratio@2019",
        "Share of the recording in which the unit spikes; the best possible value is 0.99.",
        "histogram of t on linspace(tmin, tmax, 100), so 99 bins; non-empty bins / 100",
        "1",
        ("times",),
        "0 for an empty unit; 0.01 where T is 0.",
        _UPSTREAM,
        {"n_edges": 100.0},
        says="fires in {percent} of the 99 parts of the recording",
    ),
    MetricDefinition(
        "allen.amplitude_cutoff@2019",
        "Share of spikes missing below the detection threshold, if amplitudes are symmetric.",
        "500 bins over [min a, max a], density, Gaussian filter sigma 3 (reflect); p = argmax; "
        "g = p + argmin |pdf[p:] - pdf[0]|; min(0.5, sum(pdf[g:]) * bin)",
        "1",
        ("amplitudes",),
        "No minimum number of spikes. NaN with a note where the unit has a NaN or infinite amplitude; NaN where the "
        "amplitudes span fewer than 500 distinguishable bins and for an empty unit.",
        f"{_UPSTREAM}; {_HILL}",
        {"n_bins": 500.0, "sigma_bins": 3.0},
        says="about {percent} % of its spikes lie below the detection threshold",
    ),
)
