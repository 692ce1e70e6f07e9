"""Allen's own analysis metrics of Visual Coding: how each unit answered the stimuli, for every session of a type.

Contains where the files lie, how they are fetched and how they become rows of the released tables. Add a session type
when the data set has one more. The metrics are Allen's (preferred orientation, receptive field, p-values, …) and are
stored as they stand; which units are good is no matter of theirs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd
from filelock import FileLock

from nh_platform.downloads.deadlines import within
from nh_platform.downloads.hashes import file_hash
from nh_platform.sources.allen import sdk
from nh_platform.sources.allen.coding.warehouse import LOCK_NAME
from nh_platform.sources.allen.released_tables import OF_UNIT, check_whole_ids, ids_as_text, read_csv_table
from nh_platform.store.durable import disk_in_words
from nh_platform.store.provenance import UpstreamFile

SESSION_TYPES = ("brain_observatory_1.1", "functional_connectivity")

NAMES = ("{}_analysis_metrics.csv", "unit_analysis_metrics_by_session_type_{}.csv")
"""File of a session type: as AllenSDK's cache and Allen's bucket name it, and as people save what AllenSDK's call
`get_unit_analysis_metrics_by_session_type` returns."""

UNIT_ID = "ecephys_unit_id"
FETCH_WAIT_S = 3600.0
"""Longest wait for one file: the answers are of 5,000 rows, one after the other."""

_STAGING = ".analysis_metrics.part"


def metrics_files(root: Path) -> dict[str, Path]:
    """Return the file of each session type that is in the folder."""
    found: dict[str, Path] = {}
    for session_type in SESSION_TYPES:
        for name in NAMES:
            path = root / name.format(session_type)
            if path.is_file():
                found.setdefault(session_type, path)
    return found


def upstream_files(root: Path, cache_dir: Path | None) -> list[UpstreamFile]:
    """Return the files at hand with their hashes."""
    paths = metrics_files(root).values()
    return [
        UpstreamFile(collection="", revision="", name=path.name, md5=file_hash(path, cache_dir=cache_dir))
        for path in paths
    ]


def read_analysis_metrics(
    root: Path, units: pd.DataFrame, types: Mapping[str, str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the metrics of every unit that the table of units lists, and what is left out, in words.

    Parameters
    ----------
    root
        Folder of the files.
    units
        Released units, with the columns `OF_UNIT`, each once.
    types
        Session type by session id. A unit of another type than the file's is left out: a file under another's name
        would give each unit the answers to stimuli that it was not shown.

    Raises
    ------
    BadUpstreamData
        If a file cannot be read, or does not say of which unit a row is; the text names the nearest column.
    """
    paths, left_out, parts = metrics_files(root), [], []
    for session_type in SESSION_TYPES:
        if session_type not in paths:
            left_out.append(
                f"{NAMES[0].format(session_type)}: not in the folder; no analysis metrics of these sessions"
            )
            continue
        table = read_csv_table(paths[session_type], (UNIT_ID,))
        check_whole_ids(f"file {paths[session_type].name}", table, (UNIT_ID,))
        ids = ids_as_text(table[UNIT_ID])
        row = pd.Index(units["unit_id"]).get_indexer(pd.Index(ids))
        own = units[list(OF_UNIT)].take(row).reset_index(drop=True).assign(unit_id=ids, session_type=session_type)
        said = [name for name in (UNIT_ID, "ecephys_session_id", *own) if name in table]
        foreign = own["session_id"].map(types).fillna(session_type).ne(session_type).to_numpy() & (row >= 0)
        again = ids.duplicated().to_numpy() & (row >= 0) & ~foreign
        parts.append(pd.concat([own, table.drop(columns=said)], axis=1)[(row >= 0) & ~foreign & ~again])
        for rows, what in (
            (row < 0, "whose unit units.csv does not list"),
            (foreign, f"of units of sessions that are not {session_type}"),
            (again, "of a unit that the file has before"),
        ):
            if rows.any():
                left_out.append(f"{paths[session_type].name}: {int(rows.sum())} rows {what}")
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), tuple(left_out)


def fetch_analysis_metrics(root: Path, address: str) -> tuple[Path, ...]:
    """Have AllenSDK fetch the files that are not in the folder, and return all of them.

    Raises
    ------
    BadUpstreamData
        If the warehouse cannot be asked; what came before stays.
    StoreError
        If files are missing and the folder cannot be written.
    """
    missing = [session_type for session_type in SESSION_TYPES if session_type not in metrics_files(root)]
    for session_type in missing:  # where none is, nothing is written: the folder may be another user's
        with _locked(root):  # else another process would find its staging folder removed
            if session_type in metrics_files(root):
                continue
            staging = root / _STAGING
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            for path in root.glob("*.csv"):  # AllenSDK looks up the session types in them
                shutil.copy(path, staging)
            cache = sdk.warehouse_cache(staging / "manifest.json", address)
            ask = partial(sdk.fetch_analysis_metrics, cache, address, session_type)
            if within(FETCH_WAIT_S, ask, f"warehouse {address}"):
                name = NAMES[0].format(session_type)
                os.replace(staging / name, root / name)
            shutil.rmtree(staging)
    return tuple(metrics_files(root).values())


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made; a folder that cannot be written is said in words."""
    lock = FileLock(root / LOCK_NAME)
    with disk_in_words(root):
        root.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
