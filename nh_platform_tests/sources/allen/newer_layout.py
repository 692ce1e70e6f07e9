"""A small Visual Coding NWB file in the newer layout, written by AllenSDK's own writers.

Contains the file that the readers and AllenSDK are compared on besides the simulated one of 2020. Add a stimulus or a
unit here when a case of the newer layout needs it. Nothing here reads a file or asserts anything.

Two probes of 12 channels, probeB with the lower ids so that the canonical order is not the file's; the two top channels
lie outside the brain; channel 3 of each probe is not valid; probeB is not registered.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

SESSION_ID = "715093703"
PROBES = {"probeB": 810755797, "probeA": 810755801}
N_CHANNELS = 12
UNITS_PER_PROBE = 6


def write(path: Path) -> None:
    """Write the file; the content is fixed by a seed."""
    from nh_platform.sources.allen.sdk import restore_numpy_names

    restore_numpy_names()
    import pynwb
    from allensdk.brain_observatory import nwb as sdk_nwb
    from allensdk.brain_observatory.behavior.data_objects.stimuli.presentations import Presentations
    from allensdk.brain_observatory.ecephys.optotagging import OptotaggingTable
    from allensdk.brain_observatory.ecephys.probes import Probes
    from allensdk.brain_observatory.ecephys.write_nwb.__main__ import (
        add_metadata_to_nwbfile,
        add_running_speed_to_nwbfile,
    )

    rng = np.random.default_rng(5)
    nwbfile = pynwb.NWBFile(
        session_description="simulated",
        identifier=SESSION_ID,
        session_id=SESSION_ID,
        session_start_time=datetime(2019, 1, 19, 8, 54, tzinfo=UTC),
        institution="Allen Institute",
    )
    metadata = {
        "specimen_name": "Sst-1",
        "age_in_days": 118.0,
        "full_genotype": "wt",
        "strain": "C57",
        "sex": "M",
        "stimulus_name": "brain_observatory_1.1",
        "species": "Mus musculus",
        "donor_id": 699733581,
    }
    add_metadata_to_nwbfile(nwbfile, metadata)
    table = stimulus_table()
    sdk_nwb.add_stimulus_timestamps(nwbfile, table["start_time"].to_numpy())
    Presentations(table.copy(), sort_columns=False).to_nwb(nwbfile)
    sdk_nwb.add_invalid_times(nwbfile, invalid_epochs())
    opto = pd.DataFrame(
        {
            "start_time": [150.0, 152.0],
            "stop_time": [150.01, 153.0],
            "condition": ["half-period of a cosine wave", "a single square pulse"],
            "level": [1.2, 2.5],
            "name": ["raised_cosine", "pulse"],
        }
    )
    opto["duration"] = opto["stop_time"] - opto["start_time"]
    OptotaggingTable(opto).to_nwb(nwbfile)
    Probes([_probe(name, probe_id, rng) for name, probe_id in PROBES.items()]).to_nwb(nwbfile)
    add_running_speed_to_nwbfile(nwbfile, _running(rng))
    _add_eye_tracking(nwbfile, rng)
    with pynwb.NWBHDF5IO(str(path), mode="w") as io:
        io.write(nwbfile, cache_spec=True)


def stimulus_table() -> pd.DataFrame:
    """Return presentations of six stimuli, in order of time, with blanks and text parameters."""
    stimuli: list[tuple[str, int, float, list[dict[str, object]]]] = [
        ("spontaneous", 0, 5.0, [{}]),
        ("gabors", 6, 0.25, [{"orientation": 45.0 * (i % 3), "x_position": 10.0 * i, "y_position": -30.0,
                              "spatial_frequency": 0.08, "temporal_frequency": 4.0, "contrast": 0.8, "opacity": 1.0,
                              "phase": "[3644.93333333, 3644.93333333]", "size": "[20.0, 20.0]", "units": "deg",
                              "mask": "circle"} for i in range(6)]),
        ("flashes", 4, 0.25, [{"color": c, "size": "[300.0, 300.0]"}
                              for c in ("-1.0", "1.0", "[1.0, 1.0, 1.0]", "1.0")]),
        ("drifting_gratings", 4, 2.0, [{"orientation": o, "temporal_frequency": t, "contrast": 0.8, "opacity": 1.0,
                                        "spatial_frequency": 0.04, "phase": "[5308.98333333, 5308.98333333]"}
                                       for o, t in ((0.0, 1.0), (np.nan, np.nan), (90.0, 15.0), (315.0, 2.0))]),
        ("static_gratings", 3, 0.25, [{"orientation": 30.0, "phase": "0.25", "spatial_frequency": 0.02},
                                      {"orientation": np.nan, "phase": np.nan, "spatial_frequency": np.nan},
                                      {"orientation": 60.0, "phase": "0.75", "spatial_frequency": 0.32}]),
        ("natural_movie_1", 5, 1 / 30, [{"frame": float(i)} for i in range(5)]),
        ("natural_scenes", 3, 0.25, [{"frame": f} for f in (-1.0, 17.0, 117.0)]),
    ]  # fmt: skip
    rows, now = [], 60.0
    for block, (name, _, duration, parameters) in enumerate(stimuli):
        for row in parameters:
            spontaneous = name == "spontaneous"
            rows.append(
                {
                    "start_time": now,
                    "stop_time": now + duration,
                    "stimulus_name": name,
                    "stimulus_block": np.nan if spontaneous else float(block),
                    "stimulus_index": block,
                    **row,
                }
            )
            now += duration
        now += 1.0
    return pd.DataFrame(rows)


def invalid_epochs() -> list[dict[str, object]]:
    """Return invalid epochs as the warehouse states them, not sorted by time."""
    table = stimulus_table()
    gabor = table[table["stimulus_name"] == "gabors"].iloc[2]
    return [
        {"type": "EcephysProbe", "id": PROBES["probeB"], "label": "probeB", "start_time": 90.0, "end_time": 92.0},
        {
            "type": "EcephysSession",
            "id": int(SESSION_ID),
            "label": "stimulus",
            "start_time": gabor["start_time"] + 0.1,
            "end_time": gabor["stop_time"],
        },
        {"type": "EcephysSession", "id": int(SESSION_ID), "label": "all_probes", "start_time": 61.0, "end_time": 61.5},
    ]


def _probe(name: str, probe_id: int, rng: np.random.Generator) -> object:
    from allensdk.brain_observatory.ecephys._channel import Channel
    from allensdk.brain_observatory.ecephys._channels import Channels
    from allensdk.brain_observatory.ecephys._probe import Probe
    from allensdk.brain_observatory.ecephys._unit import Unit
    from allensdk.brain_observatory.ecephys._units import Units

    first = 850_000_000 if name == "probeB" else 860_000_000
    registered = name == "probeA"
    channels = [
        Channel(
            id=first + 2 * i,
            probe_id=probe_id,
            valid_data=i != 3,
            probe_channel_number=i + 4,  # some channels of a probe are not released
            probe_vertical_position=20 * (i // 2 + 3),
            probe_horizontal_position=(43, 11, 59, 27)[i % 4],
            structure_acronym="None" if i >= N_CHANNELS - 2 else ("CA1", "VISp")[i // 6],
            anterior_posterior_ccf_coordinate=8000.0 + i if registered else -1000.0,
            dorsal_ventral_ccf_coordinate=2000.0 - 20 * i if registered else -1000.0,
            left_right_ccf_coordinate=8500.0 + 3 * i if registered else -1000.0,
            strip_structure_subregion=False,
        )
        for i in range(N_CHANNELS)
    ]
    units = []
    for i in range(UNITS_PER_PROBE):
        n_spikes = 0 if i == 4 else 40 + 10 * i
        units.append(
            Unit(
                id=first + 100 + i,
                peak_channel_id=channels[2 * i].id,
                local_index=i,
                cluster_id=3 * i,
                quality="noise" if i == 3 else "good",
                firing_rate=1.5 + i,
                isi_violations=0.1 * i,
                presence_ratio=0.99 - 0.02 * i,
                amplitude_cutoff=0.02 * i if i != 2 else np.nan,
                mean_waveforms=rng.normal(size=(N_CHANNELS, 82)),
                spike_amplitudes=rng.uniform(5e-5, 3e-4, n_spikes),
                spike_times=rng.uniform(0, 200, n_spikes),
                **dict(zip(_OPTIONAL_METRICS, rng.uniform(0.1, 2.0, len(_OPTIONAL_METRICS)))),
                amplitude=80.0 + 30 * i,
            )
        )
    return Probe(
        id=probe_id, name=name, channels=Channels(channels), units=Units(units), sampling_rate=29999.95 + len(units)
    )


_OPTIONAL_METRICS = (
    "isolation_distance",
    "l_ratio",
    "d_prime",
    "nn_hit_rate",
    "nn_miss_rate",
    "max_drift",
    "cumulative_drift",
    "silhouette_score",
    "waveform_duration",
    "PT_ratio",
    "repolarization_slope",
    "recovery_slope",
    "spread",
    "velocity_above",
    "velocity_below",
    "snr",
)


def _running(rng: np.random.Generator) -> pd.DataFrame:
    edges = np.arange(60.0, 160.0, 1 / 60)
    speed = rng.normal(5, 10, len(edges) - 1)
    return pd.DataFrame(
        {"start_time": edges[:-1], "end_time": edges[1:], "velocity": speed, "net_rotation": speed * 0.01}
    )


def _add_eye_tracking(nwbfile: object, rng: np.random.Generator) -> None:
    from allensdk.brain_observatory import nwb as sdk_nwb

    times = pd.Series(np.arange(60.0, 160.0, 1 / 30))
    n_frames = len(times)

    def ellipses() -> pd.DataFrame:
        table = pd.DataFrame(
            rng.uniform(10, 60, (n_frames, 5)), columns=["center_x", "center_y", "height", "width", "phi"]
        )
        table.iloc[7:11] = np.nan  # a blink
        return table

    sdk_nwb.add_eye_tracking_ellipse_fit_data_to_nwbfile(
        nwbfile, {"pupil_params": ellipses(), "cr_params": ellipses(), "eye_params": ellipses()}, times
    )
    gaze: dict[str, object] = {"synced_frame_timestamps": times}
    for kind in ("raw", "new"):
        gaze[f"{kind}_eye_areas"] = pd.Series(rng.uniform(900, 1000, n_frames))
        gaze[f"{kind}_pupil_areas"] = pd.Series(rng.uniform(90, 200, n_frames))
        gaze[f"{kind}_screen_coordinates"] = pd.DataFrame(rng.normal(0, 10, (n_frames, 2)))
        gaze[f"{kind}_screen_coordinates_spherical"] = pd.DataFrame(rng.normal(0, 20, (n_frames, 2)))
    sdk_nwb.add_eye_gaze_mapping_data_to_nwbfile(nwbfile, gaze)
