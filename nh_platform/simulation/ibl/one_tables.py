"""The ONE cache tables of a simulated release: sessions, datasets and insertions.

Contains how the tables follow from the files. Add a column here when ONE does. They are written here and not by
`one.alf.cache.make_parquet_db`, which gives other ids at every call, no project, no default revision and no md5.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.simulation.file_bytes import write_parquet
from nh_platform.simulation.ibl.ibl_session import PROJECT, TASK_PROTOCOL, IblSession
from nh_platform.simulation.seeding import uuid4

METADATA = {"date_created": "2024-05-06 12:00", "origin": "simulation", "min_api_version": "2.10"}
"""ONE skips a table without ``date_created``; a fixed time keeps the bytes the same."""

QC_LEVELS = ("NOT_SET", "PASS", "WARNING", "FAIL", "CRITICAL")
"""Dataset QC in the order of `one.alf.spec.QC`."""

FOLDERS = ("alf", "raw_ephys_data", "raw_passive_data")
"""Folders of a session with datasets."""

_STATED_QC = {
    "_ibl_bodyCamera.times.npy": "WARNING",
    "bodyCamera.ROIMotionEnergy.npy": "WARNING",
    "licks.times.npy": "NOT_SET",
}


def update_tables(root: Path, session: IblSession) -> None:
    """Write the rows of one session from the files that lie in its folder; rows of other sessions stay.

    A dataset keeps its id and its QC when its bytes change, as in Alyx; its md5 and size follow the file.
    """
    _replace(root / "sessions.pqt", _session_row(session), ["id"])
    _replace(root / "datasets.pqt", _dataset_rows(root, session), ["eid", "id"])
    _replace(root / "insertions.pqt", _insertion_rows(session), ["eid", "id"])


def set_dataset_qc(root: Path, eid: str, name: str, qc: str) -> int:
    """State another QC for every dataset of a session with this file name; return how many there are."""
    path = root / "datasets.pqt"
    table = pd.read_parquet(path)
    rows = (table.index.get_level_values("eid") == eid) & table["rel_path"].str.endswith(f"/{name}").to_numpy()
    stated = np.where(rows, qc, table["qc"].astype(str))
    table["qc"] = pd.Categorical(stated, categories=QC_LEVELS, ordered=True)
    write_parquet(path, table, METADATA)
    return int(rows.sum())


def remove_session(root: Path, eid: str) -> None:
    """Withdraw a session from the tables, as upstream does; its files stay."""
    for name in ("sessions", "datasets", "insertions"):
        path = root / f"{name}.pqt"
        table = pd.read_parquet(path)
        write_parquet(path, table[table.index.get_level_values(0) != eid], METADATA)


def _replace(path: Path, rows: pd.DataFrame, index: list[str]) -> None:
    rows = rows.set_index(index)
    if path.exists():
        old = pd.read_parquet(path)
        old = old[~old.index.get_level_values(0).isin(rows.index.get_level_values(0))]
        rows = pd.concat([old, rows])
    write_parquet(path, rows.sort_index(), METADATA)


def _session_row(session: IblSession) -> pd.DataFrame:
    row = {
        "id": session.eid,
        "lab": session.lab,
        "subject": session.subject,
        "date": session.date,
        "number": session.number,
        "task_protocol": TASK_PROTOCOL,
        "projects": PROJECT,
    }
    return pd.DataFrame([row]).astype({"number": "uint16"})


def _insertion_rows(session: IblSession) -> pd.DataFrame:
    rows = []
    for probe in session.probes:
        resolved = probe.track is not None
        extended: dict[str, object] = {
            "tracing_exists": True,
            "alignment_count": 2 * resolved,
            "alignment_resolved": resolved,
        }
        if resolved:
            extended["alignment_stored"] = "2023-01-09T10:00:00_simulator"
        state = {"qc": "PASS", "n_units": len(probe.truths), "extended_qc": extended}
        rows.append(
            {
                "eid": session.eid,
                "id": probe.pid,
                "name": probe.name,
                "model": "3B2",
                "serial": probe.serial,
                "json": json.dumps(state, sort_keys=True),
            }
        )
    return pd.DataFrame(rows)


def _dataset_rows(root: Path, session: IblSession) -> pd.DataFrame:
    folder = root / session.relative_path
    known = _known_qc(root / "datasets.pqt", session.eid)
    rows = []
    for path in sorted(path for part in FOLDERS for path in (folder / part).rglob("*.*")):
        rel_path = path.relative_to(folder).as_posix()
        content = path.read_bytes()
        rows.append(
            {
                "eid": session.eid,
                "id": uuid4(session.seed, "ibl", session.index, "dataset", rel_path),
                "rel_path": rel_path,
                "file_size": len(content),
                "hash": hashlib.md5(content, usedforsecurity=False).hexdigest(),
                "exists": True,
                "qc": known.get(rel_path, _STATED_QC.get(path.name, "PASS")),
            }
        )
    table = pd.DataFrame(rows)
    table["qc"] = pd.Categorical(table["qc"], categories=QC_LEVELS, ordered=True)
    unrevised = table["rel_path"].str.replace(r"#[^#/]*#/", "", regex=True)
    revision = table["rel_path"].str.extract(r"#([^#/]*)#/", expand=False).fillna("")
    table["default_revision"] = revision == revision.groupby(unrevised).transform("max")
    return table.astype({"file_size": "UInt64"})


def _known_qc(path: Path, eid: str) -> dict[str, str]:
    if not path.exists():
        return {}
    table = pd.read_parquet(path)
    rows = table[table.index.get_level_values("eid") == eid]
    return dict(zip(rows["rel_path"], rows["qc"].astype(str)))
