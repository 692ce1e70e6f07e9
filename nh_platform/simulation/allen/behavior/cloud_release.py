"""A folder of simulated Visual Behavior Neuropixels sessions as AllenSDK's cloud cache keeps it: two releases of it.

Contains the tables of the release, its manifests and the writer of whole folders. Add a table or a release here when
upstream has one. The NWB files are written in `nh_platform.simulation.allen.behavior.behavior_nwb`.

What release 0.5.0 brought against 0.4.0, here as upstream: waveform amplitudes and mean waveforms, which were twice too
large in all but a few sessions, and the column ``quality`` of ``units.csv``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.simulation.allen.allen_cache import channel_table
from nh_platform.simulation.allen.allen_session import AllenProbe
from nh_platform.simulation.allen.behavior.behavior_nwb import LAYOUT, NWB_VERSION, double_waveforms, write_vbn_nwb
from nh_platform.simulation.allen.behavior.behavior_session import SOURCE, VbnSession, simulate_vbn_session
from nh_platform.simulation.allen.lfp_nwb import write_lfp_nwb
from nh_platform.simulation.file_bytes import merge_csv, write_parquet
from nh_platform.simulation.insertions import N_CHANNELS
from nh_platform.simulation.seeding import integer
from nh_platform.simulation.shared_state import draw_shared_state, write_shared_state
from nh_platform.simulation.simulated_session import TRUTH_FILE, SimulatedSession
from nh_platform.simulation.size import DEMO, SimulationSize

PROJECT = "visual-behavior-neuropixels"
BUCKET = "visual-behavior-neuropixels-data"
FIRST_RELEASE, SECOND_RELEASE = "0.4.0", "0.5.0"
TABLES = ("behavior_sessions", "channels", "ecephys_sessions", "probes", "units")
NO_FILE = -999
"""``file_id`` of rows without a file of their own."""
TRAINING_SESSIONS = 3
"""Behaviour-only sessions before the first recording of a mouse; listed, but without files (dozens upstream)."""
TRAINING_STAGES = (
    "TRAINING_0_gratings_autorewards_15min",
    "TRAINING_2_gratings_flashed",
    "TRAINING_5_images_{}_epilogue",
)


def write_allen_vbn(
    root: Path, n_sessions: int, seed: int, *, size: SimulationSize = DEMO, first: int = 0, lfp_s: float = 0.0
) -> list[SimulatedSession]:
    """Write sessions ``first`` … ``first + n_sessions - 1`` of ``seed`` as releases 0.4.0 and 0.5.0.

    ``visual-behavior-neuropixels_project_manifest_v<release>.json`` and, for each release,
    ``visual-behavior-neuropixels-<release>/project_metadata/*.csv`` and
    ``…/behavior_ecephys_sessions/<id>/ecephys_session_<id>.nwb``. A file that 0.5.0 did not change is a link there, as
    in AllenSDK's own cache. Another call adds sessions to both releases.

    Parameters
    ----------
    root
        Folder of the cache, AllenSDK's ``cache_dir``.
    n_sessions, seed, first
        Which sessions. A session depends on the seed and its number only.
    size
        How large they are.
    lfp_s
        Seconds of LFP of every probe, in ``…/<id>/probe_<name>_lfp.nwb`` of both releases; no files where 0.
    """
    root.mkdir(parents=True, exist_ok=True)
    written = []
    for index in range(first, first + n_sessions):
        session = simulate_vbn_session(seed, index, size)
        folders = {release: _session_folder(root, release, session) for release in (FIRST_RELEASE, SECOND_RELEASE)}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        name = f"ecephys_session_{session.session_id}.nwb"
        old, new = folders[FIRST_RELEASE] / name, folders[SECOND_RELEASE] / name
        new.unlink(missing_ok=True)
        if session.amplitudes_right_at_first:
            write_vbn_nwb(old, session)
            new.symlink_to(os.path.relpath(old, new.parent))
        else:
            write_vbn_nwb(new, session)
            shutil.copyfile(new, old)
            double_waveforms(old)
        write_parquet(folders[SECOND_RELEASE] / TRUTH_FILE, session.truth)
        of_session = session.seed, session.source, session.index, session.duration_s
        write_shared_state(folders[SECOND_RELEASE], draw_shared_state(*of_session, size.shared_state))
        for probe in session.probes if lfp_s else ():
            paths = [folder / f"probe_{probe.name}_lfp.nwb" for folder in folders.values()]
            write_lfp_nwb(paths[0], session, probe, LAYOUT, lfp_s, version=NWB_VERSION)
            shutil.copyfile(*paths)
        for release in folders:
            _write_tables(root, release, session, has_lfp=lfp_s > 0)
        written.append(session.written_to(folders[SECOND_RELEASE], session.mouse_id))
    for release in (FIRST_RELEASE, SECOND_RELEASE):
        write_release_manifest(root, release)
    return written


def manifest_name(release: str) -> str:
    """Return the file name of a release's manifest."""
    return f"{PROJECT}_project_manifest_v{release}.json"


def write_release_manifest(root: Path, release: str, version_of: Callable[[str], str] | None = None) -> None:
    """Write the manifest of what lies in the folder of a release.

    Parameters
    ----------
    root, release
        Which one.
    version_of
        Returns the object version of a path below the project, which the bucket decides on upload; without it, a text
        that depends on the content.
    """
    folder = root / f"{PROJECT}-{release}"
    files = {
        path.relative_to(folder).as_posix(): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".csv", ".nwb")
    }

    def entry(path: str) -> dict[str, str]:
        return {
            "url": f"https://{BUCKET}.s3.us-west-2.amazonaws.com/{PROJECT}/{path}",
            "version_id": files[path][:32] if version_of is None else version_of(path),
            "file_hash": files[path],
        }

    sessions = pd.read_csv(folder / "project_metadata" / "ecephys_sessions.csv")
    data_files = {
        str(file_id): entry(f"behavior_ecephys_sessions/{session_id}/ecephys_session_{session_id}.nwb")
        for file_id, session_id in zip(sessions["file_id"], sessions["ecephys_session_id"])
    }
    # Only where LFP was written does a probe have a file of its own.
    probes = pd.read_csv(folder / "project_metadata" / "probes.csv").query("file_id != @NO_FILE")
    data_files |= {
        str(row.file_id): entry(f"behavior_ecephys_sessions/{row.ecephys_session_id}/probe_{row.name}_lfp.nwb")
        for row in probes.itertuples(index=False)
    }
    manifest = {
        "project_name": PROJECT,
        "manifest_version": release,
        "metadata_file_id_column_name": "file_id",
        "data_pipeline": [{"name": "AllenSDK", "version": "2.16.2", "comment": "simulated"}],
        "metadata_files": {name: entry(f"project_metadata/{name}.csv") for name in TABLES},
        "data_files": data_files,
    }
    (root / manifest_name(release)).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _session_folder(root: Path, release: str, session: VbnSession) -> Path:
    return root / f"{PROJECT}-{release}" / "behavior_ecephys_sessions" / str(session.session_id)


def _write_tables(root: Path, release: str, session: VbnSession, has_lfp: bool) -> None:
    folder = root / f"{PROJECT}-{release}" / "project_metadata"
    folder.mkdir(parents=True, exist_ok=True)
    probes = session.probes
    units = pd.concat([_units(session, probe, release) for probe in probes], ignore_index=True)
    channels = pd.concat([_channels(session, probe) for probe in probes], ignore_index=True)
    merge_csv(folder / "units.csv", units, key="unit_id")
    merge_csv(folder / "channels.csv", channels, key="ecephys_channel_id")
    merge_csv(folder / "probes.csv", _probes(session, channels, has_lfp), key="ecephys_probe_id")
    merge_csv(folder / "ecephys_sessions.csv", _ecephys_session(session, channels), key="ecephys_session_id")
    merge_csv(folder / "behavior_sessions.csv", _behavior_sessions(session), key="behavior_session_id")


def _ecephys_session(session: VbnSession, channels: pd.DataFrame) -> pd.DataFrame:
    row = {
        "ecephys_session_id": session.session_id,
        "behavior_session_id": session.behavior_session_id,
        "date_of_acquisition": f"{session.date.isoformat()} 15:34:18.179",
        "equipment_name": session.equipment,
        "session_type": session.session_type,
        "mouse_id": session.mouse_id,
        "genotype": session.genotype,
        "sex": session.sex,
        "project_code": "NeuropixelVisualBehavior",
        "age_in_days": session.age_days,
        "unit_count": float(sum(len(probe.unit_ids) for probe in session.probes)),
        "probe_count": float(len(session.probes)),
        "channel_count": float(N_CHANNELS * len(session.probes)),
        "structure_acronyms": str(_areas(channels)),
        "image_set": session.image_set,
        "prior_exposures_to_image_set": 0.0 if session.novel else 32.0,
        "session_number": session.session_number,
        "experience_level": "Novel" if session.novel else "Familiar",
        "prior_exposures_to_omissions": session.session_number - 1,
        "file_id": session.index,
        "abnormal_histology": str(list(session.abnormal_histology)) if session.abnormal_histology else None,
        "abnormal_activity": str(list(session.abnormal_activity)) if session.abnormal_activity else None,
    }
    return pd.DataFrame([row])


def _behavior_sessions(session: VbnSession) -> pd.DataFrame:
    """Return the training of the mouse, with the first of its recordings, and the behaviour of this recording."""
    shared = {
        "equipment_name": session.equipment,
        "genotype": session.genotype,
        "mouse_id": session.mouse_id,
        "sex": session.sex,
        "age_in_days": session.age_days,
        "session_number": TRAINING_SESSIONS + session.session_number,
        "ecephys_session_id": str(session.session_id),
        "date_of_acquisition": f"{session.date.isoformat()} 15:34:18.179",
        "session_type": session.session_type,
        "image_set": session.image_set,
        "file_id": NO_FILE,
    }
    rows = [{"behavior_session_id": session.behavior_session_id, **shared}]
    if session.session_number == 1:
        trained = session.image_set
        first_id = integer(session.seed, 1_000_000_000, 1_030_000_000, SOURCE, session.index, "training")
        for number, stage in enumerate(TRAINING_STAGES[:TRAINING_SESSIONS]):
            rows.append(
                {
                    **shared,
                    "behavior_session_id": first_id + number,
                    "equipment_name": "BEH.G-Box1",
                    "age_in_days": session.age_days - 30 + number,
                    "session_number": 1 + number,
                    "ecephys_session_id": None,
                    "date_of_acquisition": None,
                    "session_type": stage.format(trained),
                    "image_set": trained if "images" in stage else None,
                }
            )
    return pd.DataFrame(rows)


def _probes(session: VbnSession, channels: pd.DataFrame, has_lfp: bool) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "ecephys_probe_id": probe.probe_id,
                "ecephys_session_id": session.session_id,
                "name": probe.name,
                "sampling_rate": probe.sampling_rate_hz,
                "lfp_sampling_rate": probe.sampling_rate_hz / 12.0,
                "phase": 1.0,
                "has_lfp_data": has_lfp,
                "unit_count": len(probe.unit_ids),
                "channel_count": N_CHANNELS,
                "structure_acronyms": str(_areas(channels[channels["ecephys_probe_id"] == probe.probe_id])),
                "file_id": probe.probe_id if has_lfp else NO_FILE,
            }
            for probe in session.probes
        ]
    )


def _areas(channels: pd.DataFrame) -> list[str]:
    return sorted(set(channels["structure_acronym"]) - {""})


def _channels(session: VbnSession, probe: AllenProbe) -> pd.DataFrame:
    names = {"id": "ecephys_channel_id", "local_index": "probe_channel_number"}
    table = channel_table(probe, LAYOUT.unregistered_um).rename(columns=names)
    table = table.rename(columns={"ecephys_structure_acronym": "structure_acronym"})
    table = table.drop(columns="ecephys_structure_id")
    table.insert(2, "ecephys_session_id", session.session_id)
    table["unit_count"] = np.bincount(probe.peak_channels, minlength=N_CHANNELS)
    table["valid_data"] = True
    return table


def _units(session: VbnSession, probe: AllenProbe, release: str) -> pd.DataFrame:
    place = _channels(session, probe).iloc[probe.peak_channels].reset_index(drop=True)
    table = pd.concat([place.drop(columns=["unit_count", "probe_channel_number"]), probe.metrics], axis=1)
    table.insert(0, "unit_id", probe.unit_ids)
    table["local_index"] = np.arange(len(probe.unit_ids))
    if release == FIRST_RELEASE:
        table = table.drop(columns="quality")
        if not session.amplitudes_right_at_first:
            table["amplitude"] = 2.0 * table["amplitude"]
    return table
