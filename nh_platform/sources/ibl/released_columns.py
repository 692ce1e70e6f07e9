"""The columns of ``clusters.metrics``: the metric that each stands for, and the words of the others.

Add a column here when IBL states another metric. How values are compared is `nh_platform.qc.released_agreement`.
"""

from __future__ import annotations

from nh_platform.sources.counterparts import EXACT, HISTOGRAM_OF_AMPLITUDES, STORED_AMPLITUDES, Counterpart


def _same_name(column: str, relative: float = EXACT, absolute: float = 0.0, only_with: str = "") -> Counterpart:
    return Counterpart(column, f"ibl.{column}@2022-10", relative, absolute, only_with)


COUNTERPARTS = (
    _same_name("spike_count"),
    _same_name("firing_rate"),
    _same_name("presence_ratio"),
    _same_name("presence_ratio_std"),
    _same_name("contamination"),
    _same_name("contamination_alt"),
    # Before ibllib stored the confidence, the column of this name held the outcome of another test.
    _same_name("slidingRP_viol", only_with="max_confidence"),
    _same_name("slidingRP_viol_forced"),
    _same_name("max_confidence", absolute=1e-6),
    _same_name("min_contamination"),
    _same_name("n_spikes_below2"),
    _same_name("amp_min", STORED_AMPLITUDES),
    _same_name("amp_max", STORED_AMPLITUDES),
    _same_name("amp_median", STORED_AMPLITUDES),
    _same_name("amp_std_dB", 1e-5),
    # 0.05 is a hundredth of the threshold of the label.
    _same_name("noise_cutoff", HISTOGRAM_OF_AMPLITUDES, 0.05, only_with="max_confidence"),
    _same_name("missed_spikes_est", HISTOGRAM_OF_AMPLITUDES, 0.005),
    _same_name("drift", 1e-5),
    _same_name("label", only_with="max_confidence"),
    _same_name("bitwise_fail", only_with="max_confidence"),
)
"""Columns of ``clusters.metrics`` as brainbox writes them (ibllib 4.1.0)."""

WORDS = {
    "ks2_label": ("-", "Label that Kilosort gave the cluster: good or mua"),
    "ks2_contamination_pct": ("%", "Contamination that Kilosort estimated"),
    "ks2_amplitude": ("1", "Amplitude of Kilosort's template, in its own scale"),
}
"""Columns of ``clusters.metrics`` that no metric definition has (phy's tables as brainbox joins them)."""

NUMBERS = frozenset({one.column for one in COUNTERPARTS} | {name for name, (unit, _) in WORDS.items() if unit != "-"})
"""Those that are numbers in every release."""
