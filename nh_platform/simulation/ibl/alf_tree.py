"""A simulated IBL session as files: the ALF tree that ONE stores, and the whole cache of several sessions.

Contains the file names, dtypes and folders. Add a dataset here once the platform reads it
(`knowledge` of ONE, section "Datasets of a real session", lists them). What the files say is simulated elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.simulation.file_bytes import write_csv, write_npy, write_parquet
from nh_platform.simulation.ibl.ibl_session import IblProbe, IblSession, simulate_ibl_session
from nh_platform.simulation.ibl.one_tables import update_tables
from nh_platform.simulation.ibl.spike_sorting import RESORT_REVISION, Sorting, sort_probe, sorting_truth
from nh_platform.simulation.ibl.task import camera_times, motion_energy, pupil_diameter
from nh_platform.simulation.insertions import channel_regions, mlapdv_um, site_positions
from nh_platform.simulation.seeding import generator
from nh_platform.simulation.simulated_session import TRUTH_FILE, SimulatedSession
from nh_platform.simulation.size import DEMO, SimulationSize

SORTER = "pykilosort"
DEAD_CHANNELS = (36, 75, 112, 191, 303)
"""Channels labelled dead (1); channels outside the brain are labelled 3, as the IBL pipeline does."""


def write_ibl(
    root: Path, n_sessions: int, seed: int, *, size: SimulationSize = DEMO, first: int = 0
) -> list[SimulatedSession]:
    """Write sessions ``first`` … ``first + n_sessions - 1`` of ``seed`` and the ONE cache tables.

    Sessions that lie in ``root`` already stay in the tables, so another call adds sessions to a release.

    Parameters
    ----------
    root
        Folder that ONE uses as ``cache_dir``; the tables are written into it.
    n_sessions, seed, first
        Which sessions. A session depends on the seed and its number only.
    size
        How large they are.
    """
    root.mkdir(parents=True, exist_ok=True)
    sessions = []
    for index in range(first, first + n_sessions):
        session = simulate_ibl_session(seed, index, size)
        write_ibl_session(root, session)
        update_tables(root, session)
        sessions.append(described(root, session))
    return sessions


def described(root: Path, session: IblSession) -> SimulatedSession:
    """Return the record of a session below ``root``."""
    return SimulatedSession(
        source="ibl",
        session_id=session.eid,
        index=session.index,
        folder=root / session.relative_path,
        subject=session.subject,
        lab=session.lab,
        date=session.date.isoformat(),
        number=session.number,
        probes={probe.name: probe.pid for probe in session.probes},
    )


def write_ibl_session(root: Path, session: IblSession) -> None:
    """Write the files of one session and its ground truth; the cache tables are left as they are."""
    folder = root / session.relative_path
    alf = folder / "alf"
    alf.mkdir(parents=True, exist_ok=True)
    _write_trials(alf, session)
    _write_wheel(alf, session)
    _write_cameras(alf, session)
    for name, table in session.passive.items():
        write_csv(alf / name, table, index=name.startswith("_ibl_passivePeriods"))
    for probe in session.probes:
        _write_electrode_sites(alf / probe.name, probe)
        for revision in ("", RESORT_REVISION):
            write_sorting(sorting_folder(folder, probe.name, revision), probe, sort_probe(session, probe, revision))
    write_truth(folder, session, {probe.name: RESORT_REVISION for probe in session.probes})


def sorting_folder(session_folder: Path, probe: str, revision: str) -> Path:
    """Return the folder of one sort; an unrevised one lies directly in the sorter's collection."""
    folder = session_folder / "alf" / probe / SORTER
    return folder / f"#{revision}#" if revision else folder


def write_truth(folder: Path, session: IblSession, revisions: dict[str, str]) -> None:
    """Write ``ground_truth.parquet``; ``revisions`` names the sort of each probe that it describes."""
    tables = [sorting_truth(session, probe, revisions[probe.name]) for probe in session.probes]
    write_parquet(folder / TRUTH_FILE, pd.concat(tables, ignore_index=True))


def write_sorting(folder: Path, probe: IblProbe, sorting: Sorting) -> None:
    """Write one sort: spikes, clusters and channels."""
    folder.mkdir(parents=True, exist_ok=True)
    write_npy(folder / "spikes.times.npy", sorting.times)
    write_npy(folder / "spikes.samples.npy", sorting.samples)
    write_npy(folder / "spikes.clusters.npy", sorting.clusters)
    write_npy(folder / "spikes.templates.npy", sorting.clusters)
    write_npy(folder / "spikes.amps.npy", sorting.amplitudes)
    write_npy(folder / "spikes.depths.npy", sorting.depths)
    write_npy(folder / "clusters.channels.npy", sorting.channels)
    write_npy(folder / "clusters.depths.npy", sorting.cluster_depths)
    write_npy(folder / "clusters.amps.npy", sorting.cluster_amplitudes)
    write_npy(folder / "clusters.peakToTrough.npy", sorting.peak_to_trough)
    write_csv(folder / "clusters.uuids.csv", pd.DataFrame({"uuids": sorting.uuids}))
    write_parquet(folder / "clusters.metrics.pqt", sorting.metrics)
    positions = site_positions()
    ids, _ = channel_regions(probe.located_track)
    labels = np.where(ids == 0, 3, 0)
    labels[list(DEAD_CHANNELS)] = 1
    write_npy(folder / "channels.localCoordinates.npy", positions)
    write_npy(folder / "channels.rawInd.npy", np.arange(len(positions)))
    write_npy(folder / "channels.labels.npy", labels)
    if probe.track is not None:
        write_npy(folder / "channels.mlapdv.npy", mlapdv_um(probe.track))
        write_npy(folder / "channels.brainLocationIds_ccf_2017.npy", ids)


def write_wheel(alf: Path, times: np.ndarray, position: np.ndarray) -> None:
    """Write the wheel signal: seconds and radians."""
    write_npy(alf / "_ibl_wheel.timestamps.npy", times)
    write_npy(alf / "_ibl_wheel.position.npy", position)


def _write_electrode_sites(folder: Path, probe: IblProbe) -> None:
    """Write the sorter-independent positions, which exist where the alignment is resolved."""
    folder.mkdir(parents=True, exist_ok=True)
    if probe.track is None:
        return
    write_npy(folder / "electrodeSites.localCoordinates.npy", site_positions())
    write_npy(folder / "electrodeSites.mlapdv.npy", mlapdv_um(probe.track))
    write_npy(folder / "electrodeSites.brainLocationIds_ccf_2017.npy", channel_regions(probe.track)[0])


def _write_trials(alf: Path, session: IblSession) -> None:
    trials = session.task.trials
    if session.index % 2:
        # Both exist upstream: the extractor keeps the dtype of its input.
        trials = trials.astype({"choice": np.int64, "feedbackType": np.int64})
    write_parquet(alf / "_ibl_trials.table.pqt", trials)
    for name, values in session.task.trial_times.items():
        write_npy(alf / f"_ibl_trials.{name}.npy", values)
    write_npy(alf / "licks.times.npy", session.task.licks)


def _write_wheel(alf: Path, session: IblSession) -> None:
    write_wheel(alf, session.task.wheel_times, session.task.wheel_position)
    write_npy(alf / "_ibl_wheelMoves.intervals.npy", session.task.move_intervals)
    write_npy(alf / "_ibl_wheelMoves.peakAmplitude.npy", session.task.move_peaks)


def _write_cameras(alf: Path, session: IblSession) -> None:
    for camera in ("left", "right", "body"):
        rng = generator(session.seed, "ibl", session.index, "camera", camera)
        times = camera_times(camera, session.size)
        write_npy(alf / f"_ibl_{camera}Camera.times.npy", times)
        write_npy(alf / f"{camera}Camera.ROIMotionEnergy.npy", motion_energy(rng, times, session.task))
        if camera == "left":
            write_parquet(alf / "_ibl_leftCamera.features.pqt", pupil_diameter(rng, times, session.task))
