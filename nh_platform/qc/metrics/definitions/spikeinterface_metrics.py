"""SpikeInterface's quality metrics that need spike times, amplitudes and depths only, under its names and defaults.

Add a definition here when SpikeInterface changes or adds one; a changed formula gets a new version and the old one
stays. The code that computes them is in `nh_platform.qc.metrics.spikeinterface`. A metric of these is computed where a
configured rulebook names it.

SpikeInterface counts samples of a recording. A release states spikes and no recording, so the recording is taken to be
the samples of 30 kHz from the first to the last spike of the probe, both included: S samples, T = S / 30000 Hz. With
the whole recording, as SpikeInterface has it, S is larger by the silence before and after.

Not here: ``snr`` is computed from mean waveforms (`nh_platform.qc.signal_to_noise`); ``sd_ratio`` needs the traces
around single spikes and their noise, the metrics of principal components those traces, and ``synchrony`` compares all
units of a probe at every sample, where all others read one unit.
"""

from __future__ import annotations

from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition

_FILE = "SpikeInterface 0.105.3 spikeinterface/metrics/quality/misc_metrics.py"
_LLOBET = "Llobet, Wyngaard, Barbour 2022, bioRxiv (doi:10.1101/2022.02.08.479192)"
_HILL = "Hill, Mehta, Kleinfeld 2011, J Neurosci 31:8699 (doi:10.1523/JNEUROSCI.0971-11.2011)"
_EMPTY = "NaN for an empty unit."
_COUNT_EMPTY = "NaN for an empty unit (SpikeInterface: -1)."
_AMPLITUDES = "NaN with a note where the unit has a NaN or infinite amplitude."
_SAMPLES = "s = round(30000 (t - tmin))"
_FEW_BINS = "NaN where the recording is shorter than one bin."
_RATE = {"sampling_rate_hz": 30000.0}


def _id(name: str) -> str:
    return f"spikeinterface.{name}@0.105"


DEFINITIONS: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        _id("num_spikes"),
        "Number of spikes of the unit.",
        "N",
        "1",
        ("times",),
        "0 for an empty unit.",
        "SpikeInterface 0.105.3 spikeinterface/metrics/spiketrain/metrics.py compute_num_spikes",
        says="has {value} spikes",
    ),
    MetricDefinition(
        _id("firing_rate"),
        "Mean firing rate over the recording of the probe.",
        "N / T",
        "Hz",
        ("times",),
        _EMPTY,
        "SpikeInterface 0.105.3 spikeinterface/metrics/spiketrain/metrics.py compute_firing_rates",
        _RATE,
        says="fires {value} times a second on average",
    ),
    MetricDefinition(
        _id("presence_ratio"),
        "Share of whole 60 s bins of the recording in which the unit spikes.",
        f"{_SAMPLES}; bins of 1,800,000 samples from 0, floor(S / 1,800,000) of them, the last with its upper edge; "
        "share with at least one spike",
        "1",
        ("times",),
        f"{_EMPTY} {_FEW_BINS} What comes after the last whole bin is not looked at.",
        f"{_FILE} compute_presence_ratios, presence_ratio",
        {**_RATE, "bin_duration_s": 60.0, "mean_fr_ratio_thresh": 0.0},
        says="fires in {percent} % of the 60 s bins",
    ),
    MetricDefinition(
        _id("firing_range"),
        "Range of the firing rate over 5 s bins, from its 5th to its 95th percentile.",
        f"{_SAMPLES}; counts in floor(S / 150,000) bins of 150,000 samples, the last with its upper edge, over 5 s; "
        "95th minus 5th percentile (linear interpolation)",
        "Hz",
        ("times",),
        f"{_EMPTY} {_FEW_BINS}",
        f"{_FILE} compute_firing_ranges",
        {**_RATE, "bin_size_s": 5.0, "low_percentile": 5.0, "high_percentile": 95.0},
        says="its rate over 5 s bins ranges over {value} Hz",
    ),
    MetricDefinition(
        _id("isi_violations_ratio"),
        "Rate of refractory violations as a share of the unit's rate; can exceed 1.",
        f"{_SAMPLES}; v = #(I < 1.5 ms) of the samples over 30000; v / (2 N 1.5 ms) / (N / T)",
        "1",
        ("times",),
        f"{_EMPTY} Spikes at one time count as violations, where allen.isi_violations@2019 drops them.",
        f"{_FILE} compute_isi_violations, isi_violations; {_HILL}",
        {**_RATE, "isi_threshold_s": 0.0015, "min_isi_s": 0.0},
        says="foreign spikes that would explain its intervals under 1.5 ms come at {percent} % of its rate",
    ),
    MetricDefinition(
        _id("isi_violations_count"),
        "Intervals of successive spikes under 1.5 ms.",
        "v of spikeinterface.isi_violations_ratio",
        "1",
        ("times",),
        _COUNT_EMPTY,
        f"{_FILE} compute_isi_violations, isi_violations",
        {**_RATE, "isi_threshold_s": 0.0015},
        says="has {value} intervals under 1.5 ms",
    ),
    MetricDefinition(
        _id("rp_contamination"),
        "Share of foreign spikes that explains the pairs of spikes within 1 ms.",
        f"{_SAMPLES}; v = pairs at most 30 samples apart (all pairs); 1 - sqrt(1 - v S / (N^2 30)), "
        "1 where the root is of a negative number",
        "1",
        ("times",),
        "NaN for an empty unit and for one spike.",
        f"{_FILE} compute_refrac_period_violations, _compute_rp_contamination_one_unit; {_LLOBET}",
        {**_RATE, "refractory_period_s": 0.001, "censored_period_s": 0.0},
        says="about {percent} % of its spikes come from other neurons, by its pairs within 1 ms",
    ),
    MetricDefinition(
        _id("rp_violations"),
        "Pairs of spikes at most 1 ms apart.",
        "v of spikeinterface.rp_contamination",
        "1",
        ("times",),
        _COUNT_EMPTY,
        f"{_FILE} compute_refrac_period_violations",
        {**_RATE, "refractory_period_s": 0.001},
        says="has {value} pairs of spikes within 1 ms",
    ),
    MetricDefinition(
        _id("sliding_rp_violation"),
        "Smallest contamination that the sliding refractory test supports with more than 90 % confidence.",
        f"{_SAMPLES}; A_k = pairs with a lag in [8 k, 8 (k + 1)) samples, those of lag 0 twice, k = 0…36; "
        "e_k = (k + 1) 8 / 30000 s; V_k = A_0 + … + A_k; c = 0.005, 0.01, …, 0.35, N_c = c N, N_b = (1 - c) N; "
        "confidence(c, k) = 1 - Poisson_cdf(V_k; 2 e_k / T N_c (N_b + (N_c - 1) / 2)); smallest c with a confidence "
        "above 0.9 at any k >= 2 (periods above 0.5 ms)",
        "1",
        ("times",),
        f"{_EMPTY} NaN where no level up to 0.35 has that confidence.",
        f"{_FILE} compute_sliding_rp_violations, slidingRP_violations, _compute_violations; {_LLOBET}",
        {
            **_RATE,
            "bin_samples": 8.0,
            "shortest_refractory_period_s": 0.0005,
            "longest_refractory_period_s": 0.01,
            "contamination_step": 0.005,
            "largest_contamination": 0.35,
            "confidence": 0.9,
        },
        says="at most {percent} % of its spikes come from other neurons, with 90 % confidence",
    ),
    MetricDefinition(
        _id("amplitude_median"),
        "Median of the spike amplitudes.",
        "median(a)",
        "V",
        ("amplitudes",),
        f"{_AMPLITUDES} {_EMPTY} SpikeInterface states µV, negative where its amplitudes are; those here are sizes.",
        f"{_FILE} compute_amplitude_medians",
        says="half of its spikes are larger than {value} µV",
    ),
    MetricDefinition(
        _id("amplitude_cutoff"),
        "Share of spikes missing below the detection threshold, if the amplitudes are symmetric.",
        "n = 100 bins over [min a, max a]; p = Gaussian filter sigma 3 (edge values repeated) of n, cut to whole "
        "numbers; g = last bin with p >= p_0; m = sum(p[g + 1:]); min(0.5, m / (N + m))",
        "1",
        ("amplitudes",),
        f"NaN with fewer than 500 spikes. {_AMPLITUDES} The filtered histogram is cut to whole numbers because "
        "upstream filters an array of integers. SpikeInterface prefers amplitude scalings, which no release states.",
        f"{_FILE} compute_amplitude_cutoffs, amplitude_cutoff; {_HILL}",
        {"num_histogram_bins": 100.0, "histogram_smoothing_value": 3.0, "amplitudes_bins_min_ratio": 5.0},
        says="about {percent} % of its spikes lie below the detection threshold",
    ),
    MetricDefinition(
        _id("noise_cutoff"),
        "How far the low end of the amplitude histogram stands above its high end, in standard deviations; not IBL's.",
        "n = 100 bins over [min a, max a]; low = bins that end at or below the 10 % quantile of a, high = bins that "
        "start at or above its 75 % quantile; (mean n[low] - mean n[high]) / std n[high]",
        "1",
        ("amplitudes",),
        f"NaN where no bin is low, fewer than two are high, or those are alike. {_AMPLITUDES} {_EMPTY}",
        f"{_FILE} compute_noise_cutoffs, _noise_cutoff",
        {"high_quantile": 0.25, "low_quantile": 0.1, "n_bins": 100.0},
        says="the low end of its amplitude histogram against the high end: {value} standard deviations",
    ),
    MetricDefinition(
        _id("noise_ratio"),
        "Height of the low end of the amplitude histogram over that of its highest bin.",
        "mean n[low] / max n of spikeinterface.noise_cutoff",
        "1",
        ("amplitudes",),
        f"NaN where no bin is low. {_AMPLITUDES} {_EMPTY}",
        f"{_FILE} compute_noise_cutoffs, _noise_cutoff",
        {"low_quantile": 0.1, "n_bins": 100.0},
        says="the low end of its amplitude histogram is {percent} % as high as its highest bin",
    ),
    MetricDefinition(
        _id("amplitude_cv_median"),
        "Median over time of the coefficient of variation of the amplitudes, in bins of 50 spikes on average.",
        f"{_SAMPLES}; bins of floor(50 S / N) samples, whole ones from 0; c = population std(a in the bin) / "
        "mean(all a); median(c)",
        "1",
        ("times", "amplitudes"),
        f"NaN with fewer than 10 bins and where a bin has no spike. {_AMPLITUDES} {_EMPTY}",
        f"{_FILE} compute_amplitude_cv_metrics",
        {**_RATE, "average_num_spikes_per_bin": 50.0, "min_num_bins": 10.0},
        says="its amplitudes vary by {percent} % within a bin of time",
    ),
    MetricDefinition(
        _id("amplitude_cv_range"),
        "Range over time of the coefficient of variation of the amplitudes, from its 5th to its 95th percentile.",
        "95th minus 5th percentile of c of spikeinterface.amplitude_cv_median",
        "1",
        ("times", "amplitudes"),
        f"NaN with fewer than 10 bins and where a bin has no spike. {_AMPLITUDES} {_EMPTY}",
        f"{_FILE} compute_amplitude_cv_metrics",
        {**_RATE, "average_num_spikes_per_bin": 50.0, "min_num_bins": 10.0, "low_percentile": 5.0},
        says="the variation of its amplitudes within a bin changes by {percent} % over time",
    ),
    *(
        MetricDefinition(
            _id(name),
            meaning,
            f"{_SAMPLES}; bins of 60 s as of spikeinterface.presence_ratio, without the last upper edge; "
            f"p = median depth of bins with at least 100 spikes - median depth of all spikes; {formula}",
            "um",
            ("times", "depths"),
            "NaN with fewer than two bins, and where more than half of the bins have fewer than 100 spikes. NaN where "
            "the release states no depth of single spikes, as those of the Allen Institute.",
            f"{_FILE} compute_drift_metrics",
            {**_RATE, "interval_s": 60.0, "min_spikes_per_interval": 100.0, "min_fraction_valid_intervals": 0.5},
            says=says,
        )
        for name, meaning, formula, says in (
            ("drift_ptp", "Range of the unit's depth over the recording.", "max(p) - min(p)", "moves over {value} µm"),
            (
                "drift_std",
                "Standard deviation of the unit's depth over the recording.",
                "population std(p)",
                "moves by {value} µm (standard deviation)",
            ),
            (
                "drift_mad",
                "Median absolute deviation of the unit's depth over the recording.",
                "median(|p - median(p)|)",
                "moves by {value} µm (median absolute deviation)",
            ),
        )
    ),
)
