"""A folder of simulated Visual Coding sessions as AllenSDK's project cache keeps it.

Contains the cross-session tables and the writer of whole caches. Add a table here when `EcephysProjectCache` keeps one.
The NWB files are written in `nh_platform.simulation.allen.coding_nwb`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.simulation.allen.allen_session import UNREGISTERED_UM, AllenProbe, AllenSession, simulate_allen_session
from nh_platform.simulation.allen.coding_nwb import LAYOUT, NWB_VERSION, write_nwb
from nh_platform.simulation.allen.lfp_nwb import write_lfp_nwb
from nh_platform.simulation.allen.pictures import write_pictures
from nh_platform.simulation.allen.visual_stimuli import MONITOR_HZ
from nh_platform.simulation.file_bytes import merge_csv, write_csv, write_parquet
from nh_platform.simulation.insertions import N_CHANNELS, allen_ccf_um, channel_regions, site_positions
from nh_platform.simulation.shared_state import draw_shared_state, write_shared_state
from nh_platform.simulation.simulated_session import TRUTH_FILE, SimulatedSession
from nh_platform.simulation.size import DEMO, SimulationSize

PUBLISHED_AT = "2019-10-03T00:00:00Z"
LAYERS = ("2/3", "6a", "6b", "1", "4", "5")
PARENT_IDS = {"VISp": 385, "VISa": 312782546}
"""Cortical areas that the tables state without layer, and their ids."""


def write_allen_vc(
    root: Path,
    n_sessions: int,
    seed: int,
    *,
    size: SimulationSize = DEMO,
    first: int = 0,
    monitor_hz: float = MONITOR_HZ,
    lfp_s: float = 0.0,
) -> list[SimulatedSession]:
    """Write sessions ``first`` … ``first + n_sessions - 1`` of ``seed`` into AllenSDK's cache layout.

    ``session_<id>/session_<id>.nwb``, ``session_<id>/session_<id>_analysis_metrics.csv`` and, for all sessions in
    ``root``, ``sessions.csv``, ``probes.csv``, ``channels.csv``, ``units.csv`` and ``<type>_analysis_metrics.csv``.
    Another call adds sessions.

    Parameters
    ----------
    root
        Folder of the cache; AllenSDK is pointed at ``root / "manifest.json"``, which it writes itself.
    n_sessions, seed, first
        Which sessions. A session depends on the seed, its number, ``size`` and ``monitor_hz`` only.
    size
        How large they are.
    monitor_hz
        Refresh rate of the monitor that showed their stimuli.
    lfp_s
        Seconds of LFP of every probe, in ``session_<id>/probe_<id>_lfp.nwb``; no files where 0.
    """
    root.mkdir(parents=True, exist_ok=True)
    if size.allen_pictures:
        write_pictures(root, seed)
    written = []
    for index in range(first, first + n_sessions):
        session = simulate_allen_session(seed, index, size, monitor_hz)
        folder = root / f"session_{session.session_id}"
        folder.mkdir(exist_ok=True)
        write_nwb(folder / f"{folder.name}.nwb", session)
        if lfp_s:
            for probe in session.probes:
                path = folder / f"probe_{probe.probe_id}_lfp.nwb"
                write_lfp_nwb(path, session, probe, LAYOUT, lfp_s, version=NWB_VERSION)
        analysis = _analysis_metrics(session)
        write_csv(folder / f"{folder.name}_analysis_metrics.csv", analysis)
        of_type = analysis.drop(columns="ecephys_session_id")
        merge_csv(root / f"{session.session_type}_analysis_metrics.csv", of_type, key="ecephys_unit_id")
        write_parquet(folder / TRUTH_FILE, session.truth)
        of_session = session.seed, session.source, session.index, session.duration_s
        write_shared_state(folder, draw_shared_state(*of_session, size.shared_state))
        for name, table in _cache_tables(session, has_lfp=lfp_s > 0).items():
            merge_csv(root / f"{name}.csv", table, key="id")
        written.append(session.written_to(folder, session.specimen_id))
    return written


def _cache_tables(session: AllenSession, has_lfp: bool = False) -> dict[str, pd.DataFrame]:
    sessions = pd.DataFrame(
        [
            {
                "id": session.session_id,
                "published_at": PUBLISHED_AT,
                "specimen_id": session.specimen_id,
                "date_of_acquisition": f"{session.date.isoformat()}T16:00:00Z",
                "isi_experiment_id": session.session_id - 1_000_000,
                "session_type": session.session_type,
                "age_in_days": session.age_days,
                "sex": session.sex,
                "genotype": session.genotype,
                "has_nwb": True,
            }
        ]
    )
    probes = pd.DataFrame(
        [
            {
                "id": probe.probe_id,
                "ecephys_session_id": session.session_id,
                "lfp_sampling_rate": probe.sampling_rate_hz / 12.0,
                "name": probe.name,
                "phase": "3a",
                "sampling_rate": probe.sampling_rate_hz,
                "has_lfp_data": has_lfp,
                "air_channel_index": N_CHANNELS - 1,
                "surface_channel_index": N_CHANNELS - 20,
                "lfp_temporal_subsampling_factor": 2.0,
            }
            for probe in session.probes
        ]
    )
    return {
        "sessions": sessions,
        "probes": probes,
        "channels": pd.concat([channel_table(probe, UNREGISTERED_UM) for probe in session.probes], ignore_index=True),
        "units": pd.concat([_units(probe) for probe in session.probes], ignore_index=True),
    }


def channel_table(probe: AllenProbe, unregistered_um: float) -> pd.DataFrame:
    """Return channel rows with the right CCF position on all three axes, and areas without their layer."""
    ids, acronyms = channel_regions(probe.track)
    outside = (ids == 0) | (not probe.registered)
    areas = [_area(acronym, int(region)) for acronym, region in zip(acronyms, ids)]
    ccf = allen_ccf_um(probe.track) if probe.registered else np.full((N_CHANNELS, 3), unregistered_um)
    positions = site_positions().astype(np.int64)
    return pd.DataFrame(
        {
            "id": probe.channel_ids,
            "ecephys_probe_id": probe.probe_id,
            "local_index": np.arange(N_CHANNELS),
            "probe_horizontal_position": positions[:, 0],
            "probe_vertical_position": positions[:, 1],
            "anterior_posterior_ccf_coordinate": ccf[:, 0],
            "dorsal_ventral_ccf_coordinate": ccf[:, 1],
            "left_right_ccf_coordinate": ccf[:, 2],
            "ecephys_structure_id": np.where(outside, np.nan, [area_id for _, area_id in areas]),
            "ecephys_structure_acronym": np.where(outside, "", [name for name, _ in areas]),
        }
    )


def _area(acronym: str, region: int) -> tuple[str, int]:
    for layer in LAYERS:
        area = acronym.removesuffix(layer)
        if area in PARENT_IDS and area != acronym:
            return area, PARENT_IDS[area]
    return acronym, region


def _units(probe: AllenProbe) -> pd.DataFrame:
    names = {"waveform_duration": "duration", "waveform_halfwidth": "halfwidth"}
    table = probe.metrics.rename(columns=names)
    table.insert(0, "id", probe.unit_ids)
    table["ecephys_channel_id"] = probe.channel_ids[probe.peak_channels]
    table["local_index"] = np.arange(len(probe.unit_ids))
    table["epoch_name_quality_metrics"] = "complete_session"
    table["epoch_name_waveform_metrics"] = "complete_session"
    return table


def _analysis_metrics(session: AllenSession) -> pd.DataFrame:
    """Responses as the release tabulates them; few columns, so that AllenSDK needs no request for them."""
    tables = [
        pd.DataFrame(
            {
                "ecephys_unit_id": probe.unit_ids,
                "ecephys_session_id": session.session_id,
                "firing_rate_dg": probe.metrics["firing_rate"],
                "pref_ori_dg": [truth.preferred for truth in probe.truths],
                "p_value_rf": np.linspace(0.001, 0.6, len(probe.unit_ids)).round(3),
            }
        )
        for probe in session.probes
    ]
    return pd.concat(tables, ignore_index=True)
