"""A simulated IBL session as files: the ALF tree that ONE stores, and the whole cache of several sessions.

Contains the file names, dtypes and folders. Add a dataset here once the platform reads it. What the files say is
simulated elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.simulation.file_bytes import write_arrays, write_csv, write_parquet
from nh_platform.simulation.ibl.ibl_session import IblProbe, IblSession, simulate_ibl_session
from nh_platform.simulation.ibl.one_tables import update_tables
from nh_platform.simulation.ibl.spike_sorting import RESORT_REVISION, Sorting, sort_probe, sorting_truth
from nh_platform.simulation.ibl.spikeglx_lfp import write_lfp
from nh_platform.simulation.ibl.task import (
    body_parts,
    camera_times,
    motion_energy,
    passive_frames,
    pupil_diameter,
)
from nh_platform.simulation.insertions import Track, channel_regions, mlapdv_um, site_positions
from nh_platform.simulation.seeding import generator
from nh_platform.simulation.shared_state import draw_shared_state, write_shared_state
from nh_platform.simulation.simulated_session import TRUTH_FILE, SimulatedSession
from nh_platform.simulation.size import DEMO, SimulationSize

SORTER = "pykilosort"
DEAD_CHANNELS = (36, 75, 112, 191, 303)
"""Channels labelled dead (1); channels outside the brain are labelled 3, as the IBL pipeline does."""


def write_ibl(
    root: Path, n_sessions: int, seed: int, *, size: SimulationSize = DEMO, first: int = 0, lfp_s: float = 0.0
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
    lfp_s
        Seconds of LFP of every probe, in ``raw_ephys_data/<probe>``; no files where 0.
    """
    root.mkdir(parents=True, exist_ok=True)
    sessions = []
    for index in range(first, first + n_sessions):
        session = simulate_ibl_session(seed, index, size)
        write_ibl_session(root, session)
        for probe in session.probes if lfp_s else ():
            write_lfp(root / session.relative_path / "raw_ephys_data" / probe.name, session, probe, lfp_s)
        sessions.append(listed(root, session))
    return sessions


def listed(root: Path, session: IblSession) -> SimulatedSession:
    """Bring the tables up to date with the files of a session, and return its record."""
    update_tables(root, session)
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
    _write_task(alf, session)
    _write_cameras(alf, session)
    for name, table in session.passive.items():
        write_csv(alf / name, table, index=name.startswith("_ibl_passivePeriods"))
    _write_receptive_field_mapping(folder, session)
    for probe in session.probes:
        for revision in ("", RESORT_REVISION):
            write_sorting(sorting_folder(folder, probe.name, revision), probe, sort_probe(session, probe, revision))
        _write_noise(folder / "raw_ephys_data" / probe.name, session, probe)
        if probe.track is not None:
            sites = {"electrodeSites.localCoordinates": site_positions(), **_places("electrodeSites", probe.track)}
            write_arrays(alf / probe.name, sites)
    size = session.size
    state = draw_shared_state(session.seed, "ibl", session.index, size.ibl_duration_s, size.shared_state)
    write_shared_state(folder, state)
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
    write_arrays(folder, sorting.arrays)
    write_csv(folder / "clusters.uuids.csv", pd.DataFrame({"uuids": sorting.uuids}))
    write_parquet(folder / "clusters.metrics.pqt", sorting.metrics)
    ids, _ = channel_regions(probe.located_track)
    labels = np.where(ids == 0, 3, 0)
    labels[list(DEAD_CHANNELS)] = 1
    write_arrays(folder, {"channels.rawInd": np.arange(len(ids)), "channels.labels": labels})
    write_arrays(folder, {"channels.localCoordinates": site_positions(), **_places("channels", probe.track)})


def _places(name: str, track: Track | None) -> dict[str, np.ndarray]:
    """Return where the channels lie in the brain; nothing where the alignment is not resolved."""
    if track is None:
        return {}
    return {f"{name}.mlapdv": mlapdv_um(track), f"{name}.brainLocationIds_ccf_2017": channel_regions(track)[0]}


def _write_task(alf: Path, session: IblSession) -> None:
    trials = session.task.trials
    if session.index % 2:
        # Both exist upstream: the extractor keeps the dtype of its input.
        trials = trials.astype({"choice": np.int64, "feedbackType": np.int64})
    write_parquet(alf / "_ibl_trials.table.pqt", trials)
    write_arrays(alf, session.task.arrays)
    if session.index % 4 == 1:  # some sessions of the release have a laser
        rng = generator(session.seed, "ibl", session.index, "laser")
        on = (rng.random(len(trials)) < 0.25).astype(np.float64)
        write_arrays(alf, {"_ibl_trials.laserStimulation": on, "_ibl_trials.laserProbability": np.full(len(on), 0.25)})


def _write_noise(folder: Path, session: IblSession, probe: IblProbe) -> None:
    """Write RMS and LFP spectra of every channel: about 12 µV destriped, and a power that falls along the probe."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = generator(session.seed, "ibl", session.index, probe.name, "noise")
    n_channels, n_windows = len(site_positions()), 5
    rms = 12e-6 * (1 + 0.2 * rng.random(n_channels))
    freqs = np.arange(0.0, 125.1, 2.5)
    level = 1e-11 * 10 ** (np.cumsum(rng.normal(0, 0.01, n_channels)))
    over_time = 1 + 0.05 * rng.random((n_windows, 1))
    arrays = {
        "ephysChannels.apRMS": np.stack([1.6 * rms, rms]),
        "ephysTimeRmsAP.rms": over_time * 1.6 * rms,
        "ephysTimeRmsAP.timestamps": np.arange(n_windows, dtype=np.float64),
        "ephysTimeRmsLF.rms": over_time * 20 * rms,
        "ephysTimeRmsLF.timestamps": np.arange(n_windows, dtype=np.float64),
        "ephysSpectralDensityLF.freqs": freqs,
        "ephysSpectralDensityLF.power": level / (1 + freqs[:, None]),
    }
    write_arrays(folder, {f"_iblqc_{name}": array.astype(np.float32) for name, array in arrays.items()})


def _write_receptive_field_mapping(folder: Path, session: IblSession) -> None:
    rng = generator(session.seed, "ibl", session.index, "receptive field mapping")
    times, frames = passive_frames(rng, session.passive["_ibl_passivePeriods.intervalsTable.csv"])
    write_arrays(folder / "alf", {"_ibl_passiveRFM.times": times})
    raw = folder / "raw_passive_data"
    raw.mkdir(exist_ok=True)
    (raw / "_iblrig_RFMapStim.raw.bin").write_bytes(frames.tobytes())


def _write_cameras(alf: Path, session: IblSession) -> None:
    for camera in ("left", "right", "body"):
        rng = generator(session.seed, "ibl", session.index, "camera", camera)
        times = camera_times(camera, session.size)
        energy = motion_energy(rng, times, session.task)
        write_arrays(alf, {f"_ibl_{camera}Camera.times": times, f"{camera}Camera.ROIMotionEnergy": energy})
        for tracker in ("dlc", "lightningPose"):
            rng_of_parts = generator(session.seed, "ibl", session.index, tracker, camera)
            write_parquet(alf / f"_ibl_{camera}Camera.{tracker}.pqt", body_parts(rng_of_parts, times, camera))
        if camera == "left":
            write_parquet(alf / "_ibl_leftCamera.features.pqt", pupil_diameter(rng, times, session.task))
