"""Header, presentations, probes, channels, units and light pulses of a simulated Allen session, as NWB groups.

Contains the parts of the file that Visual Coding and Visual Behavior share; `EphysLayout` names what differs. Add a
difference there when a layout has one. What only one of the two files holds is in
`nh_platform.simulation.allen.coding_nwb` and `nh_platform.simulation.allen.behavior.behavior_nwb`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import h5py
import numpy as np
import pandas as pd

from nh_platform.session.recording import smallest_uint
from nh_platform.simulation.allen.allen_session import AllenProbe, SimulatedRecording
from nh_platform.simulation.allen.nwb_elements import REFERENCE, NwbWriter, Ragged, plain_columns
from nh_platform.simulation.allen.nwb_units import mean_waveforms
from nh_platform.simulation.allen.optotagging import light_epochs
from nh_platform.simulation.insertions import N_CHANNELS, allen_ccf_um, channel_regions, site_positions

INVALID_CHANNELS = (36, 191, 303)
_EPHYS = "general/extracellular_ephys"
ELECTRODES = f"{_EPHYS}/electrodes"
EVERY_CHANNEL = slice(None)


@dataclass(frozen=True)
class EphysLayout:
    """Layout of the electrophysiology of the file, where the two releases differ.

    Parameters
    ----------
    channel_number
        Column with a channel's number on its probe.
    unregistered_um
        Position of a channel without CCF registration, on all axes.
    metrics_left_out
        Unit metrics that the file lacks.
    small_indexes
        Whether indexes are stored in the smallest unsigned integer that fits, as newer files do.
    """

    channel_number: str
    unregistered_um: float
    metrics_left_out: tuple[str, ...] = ()
    small_indexes: bool = False


def write_header(
    nwb: NwbWriter, session: SimulatedRecording, *, version: str, description: str, start: str, created: str
) -> None:
    """Write what the file is of, and the groups that every file has.

    Parameters
    ----------
    nwb, session
        The file and what it is of.
    version
        Version of NWB.
    description
        Description of the session.
    start
        Time at which the session began.
    created
        Time at which the file says that it was made: a real one would give other bytes at every run.
    """
    nwb.typed(nwb, "NWBFile", nwb_version=version)
    nwb.texts("", identifier=str(session.session_id), session_description=description)
    nwb.texts("", session_start_time=start, timestamps_reference_time=start)
    nwb.dataset("file_create_date", np.array([created], dtype=object))
    for name in ("acquisition", "analysis", "stimulus/presentation", "stimulus/templates"):
        nwb.group(name)
    nwb.texts("general", institution="Allen Institute for Brain Science")


def write_presentations(
    nwb: NwbWriter, times: np.ndarray, presentations: Mapping[str, pd.DataFrame], description: str = "no description"
) -> None:
    """Write the times that stimuli are locked to, and the presentations of each stimulus with references to them."""
    nwb.module("stimulus", "Stimulus Times processing")
    nwb.time_series("processing/stimulus/timestamps", times, times, "s", description)
    for name, table in presentations.items():
        nwb.intervals(
            f"intervals/{name}_presentations",
            table,
            [("stimulus_time_interval",)] * len(table),
            "processing/stimulus/timestamps",
            f"Presentation times and stimuli details for '{name}' stimuli.",
        )


def write_probes(
    nwb: NwbWriter,
    probes: Sequence[AllenProbe],
    layout: EphysLayout,
    *,
    kept: slice = EVERY_CHANNEL,
    has_lfp: bool = False,
) -> None:
    """Write devices, electrode groups and the electrodes table, of the channels that are kept."""
    nwb.group("general/devices")
    nwb.group(_EPHYS)
    for probe in probes:
        nwb.group(
            f"general/devices/{probe.name}",
            "EcephysProbe",
            "ndx-aibs-ecephys",
            description="Neuropixels 1.0 Probe",
            manufacturer="imec",
            probe_id=probe.probe_id,
            sampling_rate=probe.sampling_rate_hz,
        )
        group = nwb.group(
            f"{_EPHYS}/{probe.name}",
            "EcephysElectrodeGroup",
            "ndx-aibs-ecephys",
            description="EcephysElectrodeGroup",
            location="See electrode locations",
            probe_id=probe.probe_id,
            lfp_sampling_rate=probe.sampling_rate_hz / 24.0,
            has_lfp_data=np.bool_(has_lfp),
        )
        group["device"] = h5py.SoftLink(f"/general/devices/{probe.name}")
    columns = pd.concat([_electrodes(probe, number, layout)[kept] for number, probe in enumerate(probes)])
    arrays = plain_columns(columns.drop(columns="id"))
    groups = np.empty(len(columns), dtype=REFERENCE)
    groups[:] = [nwb[f"{_EPHYS}/{name}"].ref for name in columns["group_name"]]
    arrays["group"] = groups
    nwb.table(ELECTRODES, arrays, columns["id"].to_numpy(), description="metadata about extracellular electrodes")


def _electrodes(probe: AllenProbe, number: int, layout: EphysLayout) -> pd.DataFrame:
    """Electrode rows of one probe, with the releases' own fault: ``z`` repeats ``y`` (AllenSDK issues 1796, 2776)."""
    _, acronyms = channel_regions(probe.track)
    outside = ("", "None")[number % 2]  # both spellings occur
    ccf = allen_ccf_um(probe.track) if probe.registered else np.full((N_CHANNELS, 3), layout.unregistered_um)
    positions = site_positions().astype(np.int64)
    valid = np.ones(N_CHANNELS, dtype=bool)
    valid[list(INVALID_CHANNELS)] = False
    return pd.DataFrame(
        {
            "id": probe.channel_ids,
            "location": [outside if name == "void" or not probe.registered else name for name in acronyms],
            "group_name": probe.name,
            "valid_data": valid,
            "x": ccf[:, 0],
            "y": ccf[:, 1],
            "z": ccf[:, 1],
            "probe_id": probe.probe_id,
            "probe_vertical_position": positions[:, 1],
            "probe_horizontal_position": positions[:, 0],
            layout.channel_number: np.arange(N_CHANNELS),
            "imp": np.nan,
            "filtering": "AP band: 500 Hz high-pass; LFP band: 1000 Hz low-pass",
        }
    )


def write_units(nwb: NwbWriter, probes: Sequence[AllenProbe], layout: EphysLayout) -> None:
    """Write the units table with its spikes, amplitudes and mean waveforms."""
    metrics = pd.concat([probe.metrics for probe in probes], ignore_index=True)
    metrics = metrics.drop(columns=list(layout.metrics_left_out))
    columns: dict[str, np.ndarray | Ragged] = {**plain_columns(metrics)}
    columns["cluster_id"] = np.concatenate([[truth.cluster_id for truth in probe.truths] for probe in probes])
    columns["local_index"] = np.concatenate([np.arange(len(probe.truths)) for probe in probes])
    columns["peak_channel_id"] = np.concatenate([probe.channel_ids[probe.peak_channels] for probe in probes])
    stops = np.cumsum(np.concatenate([probe.spikes.counts for probe in probes])).astype(np.int64)
    rows = N_CHANNELS * np.arange(1, len(metrics) + 1, dtype=np.int64)
    if layout.small_indexes:
        stops, rows = (ends.astype(smallest_uint(ends[-1])) for ends in (stops, rows))
    columns["spike_times"] = Ragged(np.concatenate([probe.times for probe in probes]), stops)
    volts = np.concatenate([probe.spikes.amplitudes for probe in probes]).astype(np.float64)
    columns["spike_amplitudes"] = Ragged(volts, stops)
    waveforms = [mean_waveforms(probe.truths, probe.metrics, probe.peak_channels) for probe in probes]
    columns["waveform_mean"] = Ragged(np.concatenate(waveforms), rows)
    nwb.table(
        "units",
        columns,
        np.concatenate([probe.unit_ids for probe in probes]),
        neurodata_type="Units",
        namespace="core",
        description="Autogenerated by NWBFile",
        column_descriptions={
            "spike_times": "times (s) of detected spiking events",
            "spike_amplitudes": "amplitude (s) of detected spiking events",
            "waveform_mean": "mean waveforms on peak channels (over samples)",
        },
    )


def write_optotagging(nwb: NwbWriter, stimuli_end_s: float) -> None:
    """Light after the stimuli, of three conditions and two levels."""
    table = light_epochs(stimuli_end_s)
    starts, duration = (table[name].to_numpy(dtype=np.float64) for name in ("start_time", "duration"))
    module = nwb.module("optotagging", "optogenetic stimulution data")
    nwb.time_series(f"{module}/optotagging", starts, duration, "seconds")
    tags = [("optical_stimulation",)] * len(table)
    nwb.intervals(f"{module}/optogenetic_stimulation", table, tags, f"{module}/optotagging", "")
