"""Runs inside the SpikeInterface environment: its quality metrics of one probe, and what its default curations say.

``python peer_spikeinterface_metrics.py JOB INPUT.npz OUTPUT.npz``, started by the harness; JOB is quality_metrics or
bombcell. INPUT has times (s), amplitudes and depths of spikes grouped by unit, and offsets; with ``before`` and
``after``, samples of silence around them. OUTPUT gets one array per column of the registered metrics, with their
registered parameters. With ``templates`` (n_units, n_samples, n_channels) and ``noise`` (n_channels,) in INPUT the
signal-to-noise ratio is among them. Also ``aind`` and ``good`` (True passes) and ``bombcell`` (label) of its own
functions on these metrics; bombcell's thresholds are of µV, and so are the amplitudes that it then takes.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import spikeinterface as si
from spikeinterface.core import NumpyRecording, NumpySorting
from spikeinterface.core.analyzer_extension_core import ComputeNoiseLevels, ComputeTemplates
from spikeinterface.core.template_tools import _get_main_channel_from_template_array
from spikeinterface.curation import bombcell_get_default_thresholds, bombcell_label_units, threshold_metrics_label_units
from spikeinterface.metrics.quality import compute_quality_metrics
from spikeinterface.postprocessing import ComputeSpikeAmplitudes, ComputeSpikeLocations
from turns import take_turns

RATE_HZ = 30000

NAMES = (
    "num_spikes", "firing_rate", "presence_ratio", "firing_range", "isi_violation", "rp_violation",
    "sliding_rp_violation", "amplitude_median", "amplitude_cutoff", "noise_cutoff", "amplitude_cv", "drift",
)  # fmt: skip

BOMBCELL_NAMES = (
    "amplitude_median", "amplitude_cutoff", "num_spikes", "sliding_rp_violation", "presence_ratio", "drift",
)  # fmt: skip
"""What bombcell's thresholds ask of spikes."""

AIND_2026_06 = {
    "rp_contamination": {"less": 0.5},
    "presence_ratio": {"greater": 0.8},
    "amplitude_cutoff": {"less": 0.1},
}
"""`qc_thresholds` of aind-ephys-curation code/params.json, commit 118e17d (2026-06-30)."""


def analyzer_of(data: dict[str, np.ndarray]) -> si.SortingAnalyzer:
    """Return an analyzer whose recording is silent and whose amplitudes and depths are those of INPUT."""
    n_units = len(data["offsets"]) - 1
    clusters = np.repeat(np.arange(n_units), np.diff(data["offsets"]))
    samples = np.rint((data["times"] - data["times"].min()) * RATE_HZ).astype(np.int64) + int(data.get("before", 0))
    total = int(samples.max()) + 1 + int(data.get("after", 0))
    order = np.lexsort((clusters, samples))
    samples, clusters = samples[order], clusters[order]
    sorting = NumpySorting.from_samples_and_labels([samples], [clusters], RATE_HZ, unit_ids=list(range(n_units)))
    templates = data.get("templates", np.zeros((n_units, 2, 1)))
    # Silent channels of no memory: none of these metrics reads a trace.
    silence = np.broadcast_to(np.zeros(1, np.int16), (total, templates.shape[2]))
    recording = NumpyRecording([silence], RATE_HZ)
    recording.set_dummy_probe_from_locations(np.arange(2 * templates.shape[2]).reshape(-1, 2))
    main = _get_main_channel_from_template_array(templates, "extremum", "both", 1)
    analyzer = si.create_sorting_analyzer(
        sorting, recording, sparse=False, main_channel_indices=main, return_in_uV=False
    )
    vector = sorting.to_spike_vector()
    assert np.array_equal(vector["sample_index"], samples)
    assert np.array_equal(vector["unit_index"], clusters)
    depths = np.zeros(len(samples), [("x", "f8"), ("y", "f8")])
    depths["y"] = data["depths"][order]
    given = [(ComputeSpikeAmplitudes, {"amplitudes": data["amplitudes"][order]})]
    given.append((ComputeSpikeLocations, {"spike_locations": depths}))
    if "templates" in data:
        given.append((ComputeTemplates, {"average": data["templates"]}))
        given.append((ComputeNoiseLevels, {"noise_levels": data["noise"]}))
    for kind, values in given:
        extension = kind(analyzer)
        extension.params = {"ms_before": 1.0, "ms_after": 1.0, "operators": ["average"]}
        extension.data.update(values)
        extension.run_info = {"run_completed": True, "runtime_s": 0.0}
        analyzer.extensions[kind.extension_name] = extension
    return analyzer


def bombcell_of(metrics: Any) -> np.ndarray:
    """Return the label of each unit by bombcell's defaults."""
    # Its noise and non-somatic thresholds need waveforms of the whole probe: what is left is the part of the spikes.
    thresholds = {"mua": bombcell_get_default_thresholds()["mua"], "noise": {}}
    return bombcell_label_units(thresholds=thresholds, external_metrics=metrics).iloc[:, 0].to_numpy(str)


def main() -> None:
    warnings.simplefilter("ignore")
    name, source, target = sys.argv[1:4]
    with np.load(source) as stored:
        data = {name: stored[name] for name in stored.files}
    judge = name == "bombcell"
    if judge:
        data["amplitudes"] = data["amplitudes"] * 1e6
    analyzer = analyzer_of(data)
    names = [*NAMES, "snr"] if "templates" in data else list(NAMES)
    if judge:
        names = list(BOMBCELL_NAMES)

    def job() -> Any:
        metrics = compute_quality_metrics(analyzer, metric_names=names, skip_pc_metrics=True)
        return (metrics, bombcell_of(metrics)) if judge else metrics

    made = job()
    metrics, label = made if judge else (made, bombcell_of(made))
    columns = {name: metrics[name].to_numpy(dtype=float, na_value=np.nan) for name in metrics}
    columns |= {"bombcell": label, "good": label == "good"}
    if not judge:
        aind = threshold_metrics_label_units(
            metrics, AIND_2026_06, pass_label=True, fail_label=False, column_name="aind"
        )
        columns["aind"] = aind["aind"].to_numpy(bool)
    np.savez(target, **columns)
    take_turns(job, ("spikeinterface", "numpy", "numba"))


if __name__ == "__main__":
    main()
