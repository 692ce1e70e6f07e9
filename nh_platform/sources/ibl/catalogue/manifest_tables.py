"""The manifest made of ONE tables: sessions, insertions, and every file with its group, revision and hash.

Add here what the manifest says about IBL. Fetching the tables is `one_client` and `public_bucket`; which names are read
is `datasets`; which revision is `revisions`. No session file is opened here, but for its md5 where a table has none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from nh_platform.downloads.hashes import file_hash
from nh_platform.history.freezes import restricted
from nh_platform.history.identity import GROUPS, read_by
from nh_platform.history.insertion_ids import made_up_ids
from nh_platform.history.manifest import Manifest
from nh_platform.history.published_freezes import stated_freeze
from nh_platform.session import BadUpstreamData, Session
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.session.tables.catalogue.releases import NOTICES
from nh_platform.sources.ibl.catalogue.datasets import (
    assign_groups,
    probe_of_collection,
    relative_path,
    split_relative_paths,
)
from nh_platform.sources.ibl.catalogue.left_out import (
    Reason,
    has_backslashes,
    left_out_table,
    sessions_without_probe,
    stray_insertions,
    unlisted_folders,
    unlisted_sessions,
    unusable_sessions,
)
from nh_platform.sources.ibl.catalogue.revisions import resolve_revisions
from nh_platform.sources.ibl.settings import IblSettings


def build_manifest(
    tables: dict[str, pd.DataFrame],
    settings: IblSettings,
    folder_of: Callable[[Session], Path] | None = None,
) -> Manifest:
    """Build the manifest from ONE tables.

    Sessions without a probe (training) are left out, and listed in ``left_out`` with all else that is not taken. Of
    each probe, one sorting is in the groups that are read; of each dataset, ``default_revision`` is True in the one row
    that is read under the revision policy.

    Parameters
    ----------
    tables
        ``sessions``, ``datasets`` and optionally ``insertions`` and ``notices`` (schema `NOTICES`), as
        `OneClient.tables` returns them. Sessions may have ``qc``; the ``json`` of insertions is read for ``qc``,
        ``alignment_resolved`` and ``alignment_stored``, as Alyx states them.
    settings
        Preferred sorter, revision policy, release, freeze.
    folder_of
        Local trees: gives a session's folder, for the md5 of files that the tables have none for.

    Raises
    ------
    SchemaError
        If the tables list something twice.
    ConfigError
        If the freeze cannot be read.
    """
    files = _files(tables["datasets"])
    table, stated = tables["sessions"], tables.get("insertions")
    reasons: list[Reason] = list(unusable_sessions(table))
    if stated is not None:
        strays = list(stray_insertions(stated))
        stated = stated[~stated.index.get_level_values("id").isin([pid for _, pid, _, _ in strays])]
        reasons += strays
    insertions = _insertions(stated, files)
    probed = {*files["session_id"][files["probe"] != ""], *insertions["session_id"]}
    # Of a session all of whose paths have backslashes no file is found, whatever lists its insertions.
    probed -= set(files["session_id"]) - set(files["session_id"][~has_backslashes(files)])
    table = table[~table.index.isin([eid for eid, pid, _, _ in reasons if not pid])]
    sessions = _sessions(table, probed)
    listed = set(sessions["session_id"])
    reasons += sessions_without_probe(sorted(set(table.index) - listed), files)
    reasons += unlisted_sessions(tables["sessions"], files)
    if folder_of is not None and settings.root is not None:
        known = (folder_of(_session_of(row)) for row in _known_sessions(table).to_dict("records"))
        reasons += unlisted_folders(settings.root, list(known))
    files = files[files["session_id"].isin(listed)].reset_index(drop=True)
    insertions = insertions[insertions["session_id"].isin(listed)].reset_index(drop=True)

    files["default_revision"] = resolve_revisions(files, settings.revision)
    files["group"] = assign_groups(files, settings.sorter)
    order = ["session_id", "collection", "revision", "name"]
    manifest = Manifest(
        source="ibl",
        release=settings.release,
        sessions=sessions,
        insertions=insertions,
        files=FILES.conform(files.sort_values(order, ignore_index=True)),
        notices=NOTICES.conform(tables["notices"]) if "notices" in tables else NOTICES.empty(),
        left_out=left_out_table(reasons),
    )
    manifest = restricted(replace(manifest, selection=settings.selection), stated_freeze(settings.freeze))
    if folder_of is not None:
        manifest = replace(manifest, files=_with_missing_md5(manifest.files, manifest.sessions, folder_of))
    return manifest


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
            "qc": [_stated_qc(value) for value in datasets["qc"]] if "qc" in datasets else None,
            "tags": datasets["tags"].to_numpy() if "tags" in datasets else None,
            "dataset_id": datasets.index.get_level_values("id"),
        }
    )
    if "default_revision" in datasets:
        files["default_revision"] = datasets["default_revision"].fillna(False).astype(bool).to_numpy()
    return files


def _sessions(table: pd.DataFrame, listed: set[str]) -> pd.DataFrame:
    return _known_sessions(table[table.index.isin(listed)].sort_index())


def _known_sessions(table: pd.DataFrame) -> pd.DataFrame:
    return SESSIONS.conform(
        pd.DataFrame(
            {
                "session_id": table.index,
                "subject": table["subject"].to_numpy(),
                "lab": table["lab"].to_numpy(),
                "date": table["date"].map(str).to_numpy(),
                "number": pd.to_numeric(table["number"]).astype("int64").to_numpy(),
                "task_protocol": table["task_protocol"].to_numpy(),
                "projects": [_in_order(value) for value in table["projects"]],
                "qc": [_stated_qc(value) for value in table["qc"]] if "qc" in table else None,
            }
        )
    )


def _insertions(table: pd.DataFrame | None, files: pd.DataFrame) -> pd.DataFrame:
    """Return the insertions of the table; without a table, one per probe folder, with an id made of its parts."""
    if table is None:
        probes = files.loc[files["probe"] != "", ["session_id", "probe"]].drop_duplicates()
        frame = probes.assign(insertion_id=made_up_ids(probes))
    else:
        frame = pd.DataFrame(
            {
                "session_id": table.index.get_level_values("eid"),
                "insertion_id": table.index.get_level_values("id"),
                "probe": table["name"].to_numpy(),
            }
        )
        stated = [_unfolded(value) for value in table["json"]] if "json" in table else [{}] * len(table)
        frame["qc"] = [_stated_qc(facts.get("qc")) for facts in stated]
        frame["alignment_resolved"] = [_yes_or_no(facts.get("alignment_resolved")) for facts in stated]
        frame["alignment_stored"] = [_without_author(facts.get("alignment_stored")) for facts in stated]
    return INSERTIONS.conform(frame.sort_values(["session_id", "probe"], ignore_index=True))


def _unfolded(value: object) -> dict[str, Any]:
    """Return the ``json`` of an insertion, its extended QC unfolded; REST gives a record, a table its text."""
    with suppress(ValueError):
        value = json.loads(value) if isinstance(value, str) else value
    if not isinstance(value, dict):
        return {}
    # ibllib's alignment QC writes its part into extended_qc; the insertion's own QC stands beside it
    extended = value.get("extended_qc")
    return {**(extended if isinstance(extended, dict) else {}), **value}


def _stated_qc(value: object) -> str | None:
    """Return a QC that says something; whether what nobody judged is NOT_SET or null depends on who asks."""
    return value if isinstance(value, str) and value not in ("", "NOT_SET") else None


def _in_order(value: object) -> str | None:
    """Return comma-joined names, each once and sorted: Alyx joins a set, in another order at each build."""
    return ",".join(sorted(set(value.split(",")) - {""})) if isinstance(value, str) else None


def _yes_or_no(value: object) -> str | None:
    return None if value is None or value != value else "yes" if value else "no"


def _without_author(value: object) -> str | None:
    """Return the time of an alignment, ``2022-02-08T10:00:00``: each release makes its author anonymous anew."""
    return value.split("_")[0] if isinstance(value, str) and value else None


def _session_of(row: Mapping[str, Any]) -> Session:
    """Return the session that a row of schema `SESSIONS` is of."""
    return Session(
        source="ibl",
        session_id=str(row["session_id"]),
        subject=row["subject"],
        lab=row["lab"] or "",
        date=row["date"],
        number=int(row["number"]),
    )


def _with_missing_md5(
    files: pd.DataFrame, sessions: pd.DataFrame, folder_of: Callable[[Session], Path]
) -> pd.DataFrame:
    """Return the files with an md5, computed from the content, for read ones that the tables have no hash of."""
    md5 = files["md5"].copy()
    missing = files[md5.isna() & read_by(files, GROUPS)]
    rows = sessions.set_index("session_id")
    for row in missing.rename(columns={"name": "file"}).itertuples():
        session = _session_of({**rows.loc[row.session_id], "session_id": row.session_id})
        path = relative_path(str(row.collection), str(row.revision), str(row.file))
        # A file that is not there stays without md5: reading its session names it, and the other sessions go on.
        with suppress(BadUpstreamData):
            md5[row.Index] = file_hash(folder_of(session) / path)
    return files.assign(md5=md5)
