"""ONE tables → the manifest: sessions, insertions, and every file with its group, revision and hash.

Add here what the manifest says about IBL. Fetching the tables is `client`; which names are read is `datasets`; which
revision is `revisions`. No session file is opened here, but for its md5 where a local table has none.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from nh_platform.session import Session
from nh_platform.session.schemas import FILES, INSERTIONS, SESSIONS
from nh_platform.sources.catalog import GROUPS, Manifest
from nh_platform.sources.ibl.datasets import assign_groups, probe_of_collection, relative_path, split_relative_paths
from nh_platform.sources.ibl.hashes import md5_of
from nh_platform.sources.ibl.revisions import resolve_revisions
from nh_platform.sources.ibl.settings import IblSettings


def build_manifest(
    tables: dict[str, pd.DataFrame],
    settings: IblSettings,
    folder_of: Callable[[Session], Path] | None = None,
) -> Manifest:
    """Build the manifest from ONE tables.

    Sessions without a probe (training) are left out. Of each probe, one sorting is in the groups that are read; of
    each dataset, ``default_revision`` is True in the one row that is read under the revision policy.

    Parameters
    ----------
    tables
        ``sessions``, ``datasets`` and optionally ``insertions``, as `OneClient.tables` returns them.
    settings
        Preferred sorter, revision policy, release.
    folder_of
        Local trees: gives a session's folder, for the md5 of files that the tables have none for.

    Raises
    ------
    SchemaError
        If the tables list something twice.
    """
    files = _files(tables["datasets"])
    probed = set(files["session_id"][files["probe"] != ""])
    insertions = _insertions(tables.get("insertions"), files)
    probed |= set(insertions["session_id"])
    sessions = _sessions(tables["sessions"], probed)
    listed = set(sessions["session_id"])
    files = files[files["session_id"].isin(listed)].reset_index(drop=True)
    insertions = insertions[insertions["session_id"].isin(listed)].reset_index(drop=True)

    files["default_revision"] = resolve_revisions(files, settings.revision)
    files["group"] = assign_groups(files, settings.sorter)
    files["tags"] = ",".join(tables["datasets"].attrs.get("tags", [])) or None
    if folder_of is not None:
        files["md5"] = _with_missing_md5(files, sessions, folder_of)
    order = ["session_id", "collection", "revision", "name"]
    return Manifest(
        source="ibl",
        release=settings.release,
        sessions=sessions,
        insertions=insertions,
        files=FILES.conform(files.sort_values(order, ignore_index=True)),
    )


def _files(datasets: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `FILES` that the datasets table states, and ``probe``; only files that upstream has."""
    datasets = datasets[datasets["exists"].astype(bool)] if "exists" in datasets else datasets
    parts = split_relative_paths(datasets["rel_path"])
    files = pd.DataFrame(
        {
            "session_id": datasets.index.get_level_values("eid"),
            "probe": probe_of_collection(parts["collection"]).to_numpy(),
            "collection": parts["collection"].to_numpy(),
            "revision": parts["revision"].to_numpy(),
            "name": parts["name"].to_numpy(),
            # make_parquet_db writes '' where it has no hash
            "md5": datasets["hash"].map(lambda value: value if isinstance(value, str) and value else None).to_numpy(),
            "size": datasets["file_size"].astype("Float64").to_numpy(dtype="float64", na_value=float("nan")),
            "qc": datasets["qc"].astype(object).to_numpy() if "qc" in datasets else None,
            "dataset_id": datasets.index.get_level_values("id"),
        }
    )
    if "default_revision" in datasets:
        files["default_revision"] = datasets["default_revision"].fillna(False).astype(bool).to_numpy()
    return files


def _sessions(table: pd.DataFrame, listed: set[str]) -> pd.DataFrame:
    table = table[table.index.isin(listed)].sort_index()
    return SESSIONS.conform(
        pd.DataFrame(
            {
                "session_id": table.index,
                "subject": table["subject"].to_numpy(),
                "lab": table["lab"].to_numpy(),
                "date": table["date"].map(str).to_numpy(),
                "number": table["number"].to_numpy(),
                "task_protocol": table["task_protocol"].to_numpy(),
                "projects": table["projects"].to_numpy(),
            }
        )
    )


def _insertions(table: pd.DataFrame | None, files: pd.DataFrame) -> pd.DataFrame:
    """Return the insertions of the table; without a table, one per probe folder, with an id made of its parts."""
    if table is None:
        probes = files.loc[files["probe"] != "", ["session_id", "probe"]].drop_duplicates()
        frame = probes.assign(insertion_id=probes["session_id"] + "_" + probes["probe"])
    else:
        frame = pd.DataFrame(
            {
                "session_id": table.index.get_level_values("eid"),
                "insertion_id": table.index.get_level_values("id"),
                "probe": table["name"].to_numpy(),
            }
        )
    return INSERTIONS.conform(frame.sort_values(["session_id", "probe"], ignore_index=True))


def _with_missing_md5(files: pd.DataFrame, sessions: pd.DataFrame, folder_of: Callable[[Session], Path]) -> pd.Series:
    """Return the md5 column, computed from the content for read files that the tables have no hash of."""
    md5 = files["md5"].copy()
    missing = files[md5.isna() & files["group"].isin(GROUPS) & files["default_revision"]]
    rows = sessions.set_index("session_id")
    for row in missing.rename(columns={"name": "file"}).itertuples():
        stated = rows.loc[row.session_id]
        session = Session(
            source="ibl",
            session_id=str(row.session_id),
            subject=stated["subject"],
            lab=stated["lab"] or "",
            date=stated["date"],
            number=int(stated["number"]),
        )
        path = relative_path(str(row.collection), str(row.revision), str(row.file))
        # A file that is not there stays without md5: reading its session names it, and the other sessions go on.
        with suppress(OSError):
            md5[row.Index] = md5_of(folder_of(session) / path)
    return md5
