"""Runs inside the SpikeInterface environment: its quality metrics of one probe, and what its default curations say.

``python peer_spikeinterface_metrics.py INPUT.npz OUTPUT.npz``. INPUT has samples, clusters, amps, depths, n_units and
total, the samples of the recording; OUTPUT gets one array per column of the registered metrics, with their registered
parameters. With ``templates`` (n_units, n_samples, n_channels) and ``noise`` (n_channels,) in INPUT the signal-to-noise
ratio is among them. Also ``aind`` (True passes) and ``bombcell`` (label) of SpikeInterface's own functions on these
metrics. Prints one JSON line with cpu_s and the version.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import numpy as np
import spikeinterface as si
from spikeinterface.core import NumpyRecording, NumpySorting
from spikeinterface.core.analyzer_extension_core import ComputeNoiseLevels, ComputeTemplates
from spikeinterface.core.template_tools import _get_main_channel_from_template_array
from spikeinterface.curation import bombcell_get_default_thresholds, bombcell_label_units, threshold_metrics_label_units
from spikeinterface.metrics.quality import compute_quality_metrics
from spikeinterface.postprocessing import ComputeSpikeAmplitudes, ComputeSpikeLocations

NAMES = (
    "num_spikes", "firing_rate", "presence_ratio", "firing_range", "isi_violation", "rp_violation",
    "sliding_rp_violation", "amplitude_median", "amplitude_cutoff", "noise_cutoff", "amplitude_cv", "drift",
)  # fmt: skip

AIND_2026_06 = {
    "rp_contamination": {"less": 0.5},
    "presence_ratio": {"greater": 0.8},
    "amplitude_cutoff": {"less": 0.1},
}
"""`qc_thresholds` of aind-ephys-curation code/params.json, commit 118e17d (2026-06-30)."""


def analyzer_of(data: dict[str, np.ndarray]) -> si.SortingAnalyzer:
    """Return an analyzer whose recording is silent and whose amplitudes and depths are those of INPUT."""
    n_units, total = int(data["n_units"]), int(data["total"])
    order = np.lexsort((data["clusters"], data["samples"]))
    samples, clusters = data["samples"][order], data["clusters"][order]
    sorting = NumpySorting.from_samples_and_labels([samples], [clusters], 30000.0, unit_ids=list(range(n_units)))
    templates = data.get("templates", np.zeros((n_units, 2, 1)))
    # Silent channels of no memory: none of these metrics reads a trace.
    silence = np.broadcast_to(np.zeros(1, np.int16), (total, templates.shape[2]))
    recording = NumpyRecording([silence], 30000.0)
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
    given = [(ComputeSpikeAmplitudes, {"amplitudes": data["amps"][order]})]
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


def main() -> None:
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as stored:
        data = {name: stored[name] for name in stored.files}
    analyzer = analyzer_of(data)
    names = [*NAMES, "snr"] if "templates" in data else list(NAMES)
    start = time.process_time()
    metrics = compute_quality_metrics(analyzer, metric_names=names, skip_pc_metrics=True)
    cpu_s = time.process_time() - start
    columns = {name: metrics[name].to_numpy(dtype=float, na_value=np.nan) for name in metrics}
    aind = threshold_metrics_label_units(metrics, AIND_2026_06, pass_label=True, fail_label=False, column_name="aind")
    # Its noise and non-somatic thresholds need waveforms of the whole probe: what is left is the part of the spikes.
    thresholds = {"mua": bombcell_get_default_thresholds()["mua"], "noise": {}}
    bombcell = bombcell_label_units(thresholds=thresholds, external_metrics=metrics)
    columns |= {"aind": aind["aind"].to_numpy(bool), "bombcell": bombcell.iloc[:, 0].to_numpy(str)}
    np.savez(sys.argv[2], **columns)
    print(json.dumps({"cpu_s": cpu_s, "version": si.__version__}))


if __name__ == "__main__":
    main()
