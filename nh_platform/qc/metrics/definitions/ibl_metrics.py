"""The International Brain Laboratory's metrics: the 20 columns of `quick_unit_metrics` and two older definitions.

Add a definition here when IBL changes or adds one; a changed formula gets a new version and the old one stays. The
code that computes them is in the modules of `MetricGroup`s.

Versions: ``2022-10`` is the vintage of ibllib commit 96d6c631 (2022-10-04, "Metrics #521"), unchanged up to ibllib
4.1.0 with slidingRP 1.1.1; ``2022-03`` is what it replaced.
"""

from __future__ import annotations

from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition

_BRAINBOX = "ibllib 4.1.0 brainbox/metrics/single_units.py"
_SLIDING = (
    f"slidingRP 1.1.1 metrics.py, called by {_BRAINBOX}; N. Roth et al., Llobet et al. 2022, "
    "IBL spike sorting white paper (doi:10.6084/m9.figshare.19705522)"
)
_HILL = "Hill, Mehta, Kleinfeld 2011, J Neurosci 31:8699 (doi:10.1523/JNEUROSCI.0971-11.2011)"
_EMPTY = "NaN for an empty unit."
_AMPLITUDES = (
    "NaN with a note where the unit has a NaN or infinite amplitude (brainbox raises for the whole call), "
    "NaN for an empty unit."
)
_SLIDING_EDGES = "For 1 or 2 spikes the confidence is 0 and no contamination level passes. NaN for an empty unit."
_SLIDING_PARAMETERS = {
    "sampling_rate_hz": 30000.0,
    "bin_s": 1 / 30000,
    "longest_refractory_period_s": 0.01,
    "shortest_refractory_period_s": 0.0005,
    "contamination_step_percent": 0.5,
    "largest_contamination_percent": 34.5,
    "confidence_percent": 90.0,
    "contamination_percent": 10.0,
}
_CONFIDENCE = (
    "samples trunc(30000 t); A_k = pairs of spikes k samples apart (all pairs); rate R = pairs with lag in [1, 2) s "
    "/ N; rp_j = (j + 0.5)/30000 s, j = 0…299, rp_j > 0.5 ms; V_j = A_0 + … + A_j; "
    r"confidence(c, j) = 100 (1 - Poisson_cdf(V_j; 2 N R c (rp_j + 0.5/30000)))"
)

DEFINITIONS: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        "ibl.spike_count@2022-10",
        "Number of spikes of the unit.",
        "N",
        "1",
        ("times",),
        "0 for an empty unit.",
        _BRAINBOX,
        dtype="int64",
    ),
    MetricDefinition(
        "ibl.firing_rate@2022-10",
        "Mean firing rate over the recording of the probe.",
        "N / T",
        "Hz",
        ("times",),
        "0 for an empty unit; NaN where T is 0 (brainbox: inf).",
        _BRAINBOX,
        says="fires {value} times a second on average",
    ),
    MetricDefinition(
        "ibl.presence_ratio@2022-10",
        "Share of 10 s bins of the recording in which the unit spikes.",
        "bins floor((t - tmin)/10), number of bins ceil((T + 5)/10); share with at least one spike",
        "1",
        ("times",),
        "0 for an empty unit; 1 where T is 0. The last bin may be partial or empty by construction.",
        _BRAINBOX,
        {"window_s": 10.0},
        says="fires in {percent} % of the 10 s bins",
    ),
    MetricDefinition(
        "ibl.presence_ratio_std@2022-10",
        "Variation of the spike count over 10 s bins.",
        "population standard deviation of the counts of the bins of ibl.presence_ratio",
        "1",
        ("times",),
        "0 for an empty unit.",
        _BRAINBOX,
        {"window_s": 10.0},
    ),
    MetricDefinition(
        "ibl.amp_min@2022-10", "Smallest amplitude.", "min(a)", "V", ("amplitudes",), _AMPLITUDES, _BRAINBOX
    ),
    MetricDefinition(
        "ibl.amp_max@2022-10", "Largest amplitude.", "max(a)", "V", ("amplitudes",), _AMPLITUDES, _BRAINBOX
    ),
    MetricDefinition(
        "ibl.amp_median@2022-10",
        "Geometric median of the amplitudes; the amplitude rule of the label.",
        "10^(median(20 log10 a) / 20)",
        "V",
        ("amplitudes",),
        f"{_AMPLITUDES} 0 where more than half of the amplitudes are 0; NaN where one is negative.",
        _BRAINBOX,
        says="half of its spikes are larger than {value} µV",
    ),
    MetricDefinition(
        "ibl.amp_std_dB@2022-10",
        "Spread of the amplitudes on a logarithmic scale.",
        "sample standard deviation (ddof 1) of 20 log10 a",
        "dB",
        ("amplitudes",),
        f"{_AMPLITUDES} NaN for one spike and where an amplitude is 0 or negative.",
        _BRAINBOX,
    ),
    MetricDefinition(
        "ibl.contamination@2022-10",
        "Rate of refractory violations as a share of the unit's rate; can exceed 1.",
        "spikes at most 0.1 ms after the preceding spike dropped (not iterative), n left; v = #(ISI < 1.5 ms); "
        "v / (2 n (1.5 ms - 0.1 ms)) / (n / T)",
        "1",
        ("times",),
        f"0 where nothing violates or T is 0. {_EMPTY}",
        f"{_BRAINBOX}; {_HILL}",
        {"refractory_period_s": 0.0015, "min_isi_s": 0.0001},
    ),
    MetricDefinition(
        "ibl.contamination_alt@2022-10",
        "Contamination from a quadratic; not Hill's, its sign makes the roots always real.",
        "v = #(ISI < 1.5 ms), T_u = t_N - t_1, c = T_u v / (2 rp N^2); "
        "min |roots(-x^2 + x + c)| = 2c/(1 + sqrt(1 + 4c))",
        "1",
        ("times",),
        f"0 where nothing violates. {_EMPTY}",
        f"{_BRAINBOX}; {_HILL}",
        {"refractory_period_s": 0.0015},
    ),
    MetricDefinition(
        "ibl.slidingRP_viol@2022-10",
        "Whether the unit passes the sliding refractory test at 10 % contamination.",
        f"{_CONFIDENCE}; 1 where ibl.min_contamination <= 10",
        "1",
        ("times",),
        _SLIDING_EDGES,
        _SLIDING,
        _SLIDING_PARAMETERS,
    ),
    MetricDefinition(
        "ibl.slidingRP_viol_forced@2022-10",
        "Whether the unit is passed although it has too few spikes for the test, as upstream computes it.",
        "1 where no pair of spikes is under 2 ms, R > 0.5 Hz and no contamination level up to 34.5 % reaches 90 % "
        "confidence (upstream means `not passed` but tests identity with False, so a level found at 10.5-34.5 % "
        "excludes the unit; kept as released)",
        "1",
        ("times",),
        _SLIDING_EDGES,
        _SLIDING,
        {**_SLIDING_PARAMETERS, "forced_rate_hz": 0.5},
    ),
    MetricDefinition(
        "ibl.max_confidence@2022-10",
        "Largest confidence that contamination is at most 10 %; the refractory rule of the label.",
        f"{_CONFIDENCE}; max over j of confidence(0.10, j)",
        "%",
        ("times",),
        _SLIDING_EDGES,
        _SLIDING,
        _SLIDING_PARAMETERS,
        says="at most 10 % of its spikes come from other neurons, with {value} % confidence",
    ),
    MetricDefinition(
        "ibl.min_contamination@2022-10",
        "Smallest contamination that the refractory test supports with 90 % confidence.",
        f"{_CONFIDENCE}; smallest c of 0.5, 1, …, 34.5 % with confidence >= 90 at any j",
        "%",
        ("times",),
        f"NaN where no level reaches 90 %. {_SLIDING_EDGES}",
        _SLIDING,
        _SLIDING_PARAMETERS,
    ),
    MetricDefinition(
        "ibl.rp_min_val@2022-10",
        "Refractory period at which ibl.min_contamination is reached with most confidence.",
        f"{_CONFIDENCE}; rp_j of the first largest confidence(ibl.min_contamination, j)",
        "s",
        ("times",),
        f"NaN where ibl.min_contamination is NaN. {_SLIDING_EDGES}",
        _SLIDING,
        _SLIDING_PARAMETERS,
    ),
    MetricDefinition(
        "ibl.n_spikes_below2@2022-10",
        "Pairs of spikes under 2 ms apart.",
        "A_0 + … + A_60 of ibl.max_confidence",
        "1",
        ("times",),
        f"0 for one spike. {_EMPTY}",
        _SLIDING,
        _SLIDING_PARAMETERS,
    ),
    MetricDefinition(
        "ibl.noise_cutoff@2022-10",
        "How far the low end of the amplitude histogram stands above its upper half, in standard deviations; the "
        "cut-off rule of the label.",
        "n = histogram of a on linspace(0, max a, 100); p = argmax n; L = non-empty bins of n[p:98]; "
        "s = ceil(0.5 L + p); mean and population std of the non-empty bins of n[s:]; "
        "(second non-empty bin - mean) / std",
        "1",
        ("amplitudes",),
        f"{_AMPLITUDES} NaN for one spike and where std is 0 (a cut-off of NaN fails the label).",
        f"{_BRAINBOX}; the 10 % of peak condition only enters a value that quick_unit_metrics discards",
        {"quantile_length": 0.25, "n_bins": 100.0},
        says="the low end of its amplitude histogram against the high tail: {value} standard deviations",
    ),
    MetricDefinition(
        "ibl.noise_cutoff@2022-03",
        "The noise cut-off before October 2022, with another upper part and another low bin.",
        "n as in @2022-10; d = indices where diff(n) != 0; p = argmax n; s = ceil(0.6 (d_last - p) + p); mean and "
        "population std of n[d > s]; (n[d_1] - mean) / std",
        "1",
        ("amplitudes",),
        f"{_AMPLITUDES} NaN for one spike, where std is 0, and where the histogram has fewer than two steps.",
        "ibllib before commit 96d6c631 (2022-10-04), brainbox/metrics/single_units.py",
        {"quartile_length": 0.2, "n_bins": 100.0, "n_low_bins": 2.0},
        says="the low end of its amplitude histogram against the high tail: {value} standard deviations",
    ),
    MetricDefinition(
        "ibl.slidingRP_viol@2022-03",
        "Whether the unit passes the refractory test that was used before October 2022.",
        "samples trunc(20000 t), bins of 0.25 ms; R = pairs with lag in [0.5, 1.00025) s / N; at 15 refractory "
        "periods r (1.25 to 10 ms): V = pairs in the bins up to r inclusive, m = 10 % quantile of "
        "Poisson(0.2 r R^2 T_u); 1 where any m >= 1 has V <= m",
        "1",
        ("times",),
        f"0 where the unit's own first and last spike coincide. {_EMPTY}",
        f"{_BRAINBOX} slidingRP_viol (kept there, no longer called)",
        {"sampling_rate_hz": 20000.0, "bin_s": 0.00025, "acceptable_contamination": 0.1, "quantile": 0.1},
        says=(
            "the refractory test finds too many short intervals",
            "the refractory test finds at most 10 % contamination",
        ),
    ),
    MetricDefinition(
        "ibl.missed_spikes_est@2022-10",
        "Share of spikes missing below the detection threshold, if amplitudes are symmetric.",
        "int(N/10) bins over [min a, max a], density, Gaussian filter sigma 4 (reflect); p = argmax; "
        "g = p + argmin |pdf[p:] - pdf[0]|; min(0.5, sum pdf[g:] / sum pdf)",
        "1",
        ("amplitudes",),
        f"{_AMPLITUDES} NaN for 500 spikes or fewer.",
        f"{_BRAINBOX}; {_HILL}",
        {"spikes_per_bin": 10.0, "sigma_bins": 4.0, "min_bins": 50.0},
    ),
    MetricDefinition(
        "ibl.drift@2022-10",
        "Summed depth difference of successive spikes per hour; spike-to-spike jitter times rate, not tissue drift.",
        "sum |d_(i+1) - d_i| / T * 3600",
        "um/h",
        ("times", "depths"),
        "0 for one spike; NaN where T is 0, where a depth is NaN and for an empty unit.",
        _BRAINBOX,
    ),
    MetricDefinition(
        "ibl.label@2022-10",
        "IBL's unit label as released: share of the three rules passed, 1 is good. For parity; rulebooks decide.",
        "mean of (max_confidence >= 90, noise_cutoff@2022-10 < 5, amp_median > 50e-6 V); NaN compares false",
        "1",
        ("times", "amplitudes"),
        "0 for an empty unit.",
        f"{_BRAINBOX} compute_labels",
        {"confidence_percent": 90.0, "noise_cutoff": 5.0, "amp_median_v": 50e-6},
        says="meets {percent} % of the three rules of IBL's own label",
    ),
    MetricDefinition(
        "ibl.bitwise_fail@2022-10",
        "Failed rules of ibl.label@2022-10 as bits: 1 refractory, 2 noise cut-off, 4 amplitude; 0 is good.",
        "bit set where the rule of ibl.label@2022-10 is false",
        "-",
        ("times", "amplitudes"),
        "7 for an empty unit.",
        f"{_BRAINBOX} compute_labels",
        {"confidence_percent": 90.0, "noise_cutoff": 5.0, "amp_median_v": 50e-6},
        dtype="uint8",
    ),
    MetricDefinition(
        "ibl.label@2022-03",
        "IBL's unit label before October 2022: share of the three rules passed. For parity; rulebooks decide.",
        "mean of (slidingRP_viol@2022-03, noise_cutoff@2022-03 < 20, amp_median > 50e-6 V); NaN compares false",
        "1",
        ("times", "amplitudes"),
        "0 for an empty unit.",
        "ibllib before commit 96d6c631 (2022-10-04), brainbox/metrics/single_units.py compute_labels",
        {"noise_cutoff": 20.0, "amp_median_v": 50e-6},
    ),
)
