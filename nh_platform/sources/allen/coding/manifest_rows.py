"""Rows of the manifest of Visual Coding: sessions, and the files that are read of each.

Add here what another row states. Which sessions there are is `source`; what the folder's tables say is `cache_folder`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nh_platform.downloads.hashes import file_hash
from nh_platform.history.identity import GROUPS
from nh_platform.sources.allen.coding import cache_folder as warehouse
from nh_platform.sources.allen.coding.downloads import ServedFile

NWB_GROUPS = ",".join(GROUPS)
"""One NWB file holds the whole session, so a changed file is a change of every asset group."""


def _file_row(session_id: str, collection: str, name: str, identity: str) -> dict[str, object]:
    return {
        "session_id": session_id,
        "probe": "",
        "group": NWB_GROUPS,
        "collection": collection,
        "revision": "",
        "name": name,
        "md5": identity,
        "default_revision": True,
    }


def local_row(root: Path, session_id: str, cache_dir: Path | None) -> dict[str, object]:
    """Return the row of a session's NWB file in a folder, told by its md5."""
    path = warehouse.nwb_path(root, session_id)
    row = _file_row(session_id, path.parent.name, path.name, file_hash(path, cache_dir=cache_dir))
    return {**row, "size": float(path.stat().st_size)}


def served_row(file: ServedFile, address: str) -> dict[str, object]:
    """Return the row of a session's NWB file on a server, told by what the server tells it by."""
    path = warehouse.nwb_path(Path(), file.session_id)
    return {
        **_file_row(file.session_id, path.parent.name, path.name, file.identity),
        "size": file.size,
        "dataset_id": file.file_id,
        "url": address,
    }


def channels_row(session_id: str, csv_channels: pd.DataFrame) -> dict[str, object]:
    """Return the row of a session's part of channels.csv, which places its units."""
    md5 = warehouse.channel_rows_md5(csv_channels)
    return {**_file_row(session_id, "", warehouse.CHANNELS_CSV, md5), "group": "alignment"}


def session_row(session_id: str, facts: warehouse.SessionFacts) -> dict[str, object]:
    """Return the row of a session."""
    return {
        "session_id": session_id,
        "subject": facts.subject,
        "lab": warehouse.LAB,
        "date": facts.date or None,
        "number": 1,
        "task_protocol": facts.session_type or None,
        "projects": warehouse.PROJECT,
        "n_units_released": facts.n_units,
        "regions": ",".join(facts.regions) or None,
    }
