"""What the metric columns of `units` are: which metrics are computed, and the unit and meaning of each column.

Contains the choice of metrics for the configured rulebooks, and the words for recomputed and released columns. Add a
released column here when upstream states a metric that has no definition. Formulas are in `nh_platform.qc.metrics`,
which released column stands for which definition in `nh_platform.qc.released_agreement`; no value is computed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nh_platform.qc.metrics.definitions.lookup import DEFAULT_IDS, METRICS
from nh_platform.qc.released_agreement import COUNTERPARTS
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session.columns import ColumnWords

_RELEASED = "released."
_AS_STATED = "as the release states it"

_IBL = {
    "ks2_label": ("-", "Label that Kilosort gave the cluster: good or mua"),
    "ks2_contamination_pct": ("%", "Contamination that Kilosort estimated"),
    "ks2_amplitude": ("1", "Amplitude of Kilosort's template, in its own scale"),
}
"""Columns of ``clusters.metrics`` that no metric definition has (phy's tables as brainbox joins them)."""

_ALLEN = {
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

RELEASED_COLUMNS: dict[str, Mapping[str, tuple[str, str]]] = {"ibl": _IBL, "allen_vc": _ALLEN, "allen_vbn": _ALLEN}
"""Unit of measure in the platform's table and meaning, by source and upstream's name."""

_DEFINERS = {"ibl": "ibl", "allen_vc": "allen", "allen_vbn": "allen"}
"""Family of the definitions that have the names of a source's columns."""


def metric_ids(rulebooks: Iterable[Rulebook]) -> tuple[str, ...]:
    """Return the definition ids that `units` holds: the defaults, and what ``rulebooks`` name besides them.

    Also where a rulebook reads released values: released and recomputed stand side by side, and
    ``nh qc diff --use recomputed`` can then compare any two configured rulebooks.

    Parameters
    ----------
    rulebooks
        All rulebooks that are configured for the source.
    """
    named = {rule.metric for rulebook in rulebooks for rule in rulebook.rules}
    return tuple(metric_id for metric_id in METRICS if metric_id in DEFAULT_IDS or metric_id in named)


def column_words(source: str) -> ColumnWords:
    """Return a function that gives unit of measure and meaning of a metric column of ``source``; None for others."""
    stated = {one.column: one.definition for one in COUNTERPARTS.get(source, ())}
    own = RELEASED_COLUMNS.get(source, {})
    definer = _DEFINERS.get(source, "")
    # The latest vintage of a name comes first in the register.
    same_name = {known.name: known.id for known in reversed(METRICS.values()) if known.family == definer}

    def words(column: str) -> tuple[str, str] | None:
        if column in METRICS:
            return METRICS[column].unit, METRICS[column].meaning
        if not column.startswith(_RELEASED):
            return None
        name = column.removeprefix(_RELEASED)
        definition = stated.get(name) or same_name.get(name)
        if definition is not None:
            return METRICS[definition].unit, f"{METRICS[definition].meaning} ({_AS_STATED})"
        unit, meaning = own.get(name, ("", ""))
        return (unit, f"{meaning} ({_AS_STATED})") if unit else None

    return words
