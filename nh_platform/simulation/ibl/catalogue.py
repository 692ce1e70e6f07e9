"""A catalogue of any size: sessions, insertions and datasets as a release lists them, with no file behind.

Contains the tables that benchmarks and tests of releases compare. Add a kind of dataset to `_DATASETS` when a release
brings one. Session files are `nh_platform.simulation.ibl.ibl_session`; changes of a release are made by the test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.simulation.seeding import generator

PROBES = ("probe00", "probe01")
RESORT = "2024-05-06"
"""Revision of the re-sort of the Brain-wide Map."""

TAG = "2022_Q4_IBL_et_al_BWM"

_SORTING = (
    *((f"spikes.{name}.npy", "spikes") for name in ("times", "clusters", "amps", "depths")),
    *((f"clusters.{name}.npy", "spikes") for name in ("channels", "depths", "amps", "peakToTrough")),
    ("clusters.uuids.csv", "spikes"),
    ("channels.localCoordinates.npy", "spikes"),
    ("channels.rawInd.npy", "spikes"),
    ("channels.mlapdv.npy", "alignment"),
    ("channels.brainLocationIds_ccf_2017.npy", "alignment"),
    ("clusters.metrics.pqt", "qc"),
    *((f"templates.{name}.npy", "other") for name in ("amps", "waveforms", "waveformsChannels")),
)
_BEHAVIOR = (
    ("_ibl_trials.table.pqt", "events"),
    ("_ibl_trials.stimOff_times.npy", "events"),
    ("_ibl_wheel.position.npy", "signals"),
    ("_ibl_wheel.timestamps.npy", "signals"),
    ("_ibl_wheelMoves.intervals.npy", "signals"),
    ("licks.times.npy", "events"),
    ("_ibl_leftCamera.times.npy", "signals"),
    ("_ibl_rightCamera.times.npy", "signals"),
)


@dataclass(frozen=True)
class CatalogueTables:
    """The tables of a catalogue: schemas `SESSIONS`, `INSERTIONS` and `FILES`."""

    sessions: pd.DataFrame
    insertions: pd.DataFrame
    files: pd.DataFrame


def simulate_catalogue(n_sessions: int = 1000, files_per_session: int = 210, seed: int = 0) -> CatalogueTables:
    """Return a catalogue of IBL's shape; the same arguments give the same tables.

    Every session has two probes, each with a first sort and the re-sort of 2024-05-06 (the default), its behaviour,
    and raw files up to ``files_per_session`` rows.

    Parameters
    ----------
    n_sessions
        Number of sessions.
    files_per_session
        Dataset rows of each session, at least 84. The public release of 2025 lists 210,061 datasets.
    seed
        Seed of ids and hashes.

    Raises
    ------
    ValueError
        If ``files_per_session`` is less than the datasets that are always there.
    """
    rng = generator(seed, "catalogue")
    template = _template(files_per_session)
    ids = _uuids(rng, n_sessions)
    number = np.arange(n_sessions)
    sessions = pd.DataFrame(
        {
            "session_id": ids,
            "subject": [f"SIM_{i // 4:04d}" for i in number],
            "lab": [f"lab{i // 40 % 12:02d}" for i in number],
            "date": [f"2022-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in number],
            "number": np.ones(n_sessions, dtype="uint16"),
            "task_protocol": "_iblrig_tasks_ephysChoiceWorld6.4.2",
            "projects": "ibl_neuropixel_brainwide_01",
        }
    )
    insertions = pd.DataFrame(
        {
            "session_id": np.repeat(ids, len(PROBES)),
            "insertion_id": _uuids(rng, n_sessions * len(PROBES)),
            "probe": list(PROBES) * n_sessions,
        }
    )
    files = pd.concat([template] * n_sessions, ignore_index=True)
    files.insert(0, "session_id", np.repeat(ids, len(template)))
    files["md5"] = _hex(rng, len(files))
    files["size"] = rng.integers(1_000, 100_000_000, len(files)).astype(float)
    files["qc"] = rng.choice(np.array([None, "PASS", "WARNING", "FAIL"]), len(files), p=[0.7, 0.2, 0.07, 0.03])
    files["tags"] = TAG
    files["dataset_id"] = _uuids(rng, len(files))
    path = files["collection"] + "/" + files["revision"].map(lambda text: f"#{text}#/" if text else "") + files["name"]
    files["url"] = "data/" + files["session_id"] + "/" + path
    return CatalogueTables(SESSIONS.conform(sessions), INSERTIONS.conform(insertions), FILES.conform(files))


def _template(n_files: int) -> pd.DataFrame:
    """Return the datasets of one session."""
    rows: list[tuple[str, str, str, str, str, bool]] = []
    for probe in PROBES:
        for revision in ("", RESORT):
            rows += [(probe, f"alf/{probe}/pykilosort", revision, n, g, revision == RESORT) for n, g in _SORTING]
        rows += [
            (probe, f"alf/{probe}", "", f"electrodeSites.{attribute}.npy", "alignment", True)
            for attribute in ("localCoordinates", "mlapdv", "brainLocationIds_ccf_2017")
        ]
    rows += [("", "alf", "", name, group, True) for name, group in _BEHAVIOR]
    if n_files < len(rows):
        raise ValueError(f"files_per_session is {n_files}, at least {len(rows)} are needed")
    rows += [("", "raw_video_data", "", f"raw.{i:03d}.bin", "other", True) for i in range(n_files - len(rows))]
    columns = ["probe", "collection", "revision", "name", "group", "default_revision"]
    return pd.DataFrame(rows, columns=columns)


def _hex(rng: np.random.Generator, count: int) -> list[str]:
    text = rng.bytes(16 * count).hex()
    return [text[i : i + 32] for i in range(0, 32 * count, 32)]


def _uuids(rng: np.random.Generator, count: int) -> npt.NDArray[np.object_]:
    # version 4 and variant digits as ONE asks for
    texts = (f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}" for h in _hex(rng, count))
    return np.array(list(texts), dtype=object)
