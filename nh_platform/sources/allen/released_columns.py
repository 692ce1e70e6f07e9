"""The metric columns of ``/units`` in Allen NWB files: what each stands for, and the words of the others.

Add a column here when the files of either data set state another metric. How values are compared is
`nh_platform.qc.released_agreement`.
"""

from __future__ import annotations

from nh_platform.sources.counterparts import HISTOGRAM_OF_AMPLITUDES, Counterpart

COUNTERPARTS = (
    Counterpart("firing_rate", "allen.firing_rate@2019", 1e-6),
    Counterpart("isi_violations", "allen.isi_violations@2019", 1e-6),
    Counterpart("presence_ratio", "allen.presence_ratio@2019", absolute=1e-9),
    Counterpart("amplitude_cutoff", "allen.amplitude_cutoff@2019", HISTOGRAM_OF_AMPLITUDES, 0.005),
)
"""Columns of ``/units`` that spike times and amplitudes decide (AllenInstitute/ecephys_spike_sorting)."""

WORDS = {
    "PT_ratio": ("1", "Height of the waveform's peak relative to its trough"),
    "amplitude": ("V", "Height of the mean waveform from trough to peak at the peak channel; µV upstream, volts here"),
    "cumulative_drift": ("um", "Summed change of depth over the recording, from principal components"),
    "d_prime": ("1", "Separation from other units by linear discriminant of principal components"),
    "isolation_distance": ("1", "Mahalanobis distance that holds as many foreign as own spikes"),
    "l_ratio": ("1", "Foreign spikes within the cluster by Mahalanobis distance, per own spike"),
    "max_drift": ("um", "Largest change of depth over the recording, from principal components"),
    "nn_hit_rate": ("1", "Share of the nearest neighbours of the unit's spikes that are its own"),
    "nn_miss_rate": ("1", "Share of the nearest neighbours of other spikes that are the unit's"),
    "quality": ("-", "Judgement of the waveform by the Allen pipeline: good or noise"),
    "recovery_slope": ("V/s", "Slope of the waveform while it returns to baseline after its peak"),
    "repolarization_slope": ("V/s", "Slope of the waveform from trough to peak"),
    "silhouette_score": ("1", "Standard measure of how far the cluster lies from the nearest other one"),
    "snr": ("1", "Signal to noise ratio of the waveforms at the peak channel"),
    "spread": ("um", "Length of the probe over which the waveform is above 12 % of its largest amplitude"),
    "valid_data": ("-", "Whether the peak channel was valid; part of AllenSDK's default filter"),
    "velocity_above": ("s/m", "Inverse velocity of the waveform from the soma towards the top of the probe"),
    "velocity_below": ("s/m", "Inverse velocity of the waveform from the soma towards the tip of the probe"),
    "waveform_duration": ("ms", "Time between trough and peak of the waveform"),
    "waveform_halfwidth": ("ms", "Width of the waveform's trough at half of its height"),
}
"""Columns of ``/units`` that no metric definition has (AllenSDK 2.16.2 documentation, ecephys_spike_sorting
mean_waveforms and quality_metrics)."""
