"""The rows of the Visual Behavior manifest: sessions, insertions and files of a release.

Contains what follows from the release's manifest and tables alone. Add here a fact of a session or file that they
state. Nothing is downloaded and no session file is opened here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from nh_platform.history.identity import GROUPS
from nh_platform.sources.allen.behavior.abnormal import Abnormalities, abnormalities
from nh_platform.sources.allen.behavior.amplitude_scale import FILE_NAME as SCALE_NAME
from nh_platform.sources.allen.behavior.amplitude_scale import amplitude_scales, is_mended
from nh_platform.sources.allen.behavior.cloud_cache import Release, ReleaseFile
from nh_platform.sources.allen.behavior.release_tables import listed, read_channels, read_probes, read_sessions
from nh_platform.sources.allen.coding import cache_folder as warehouse

NWB_GROUPS = ",".join(GROUPS)
"""One NWB file holds the whole session, so a changed file is a change of every asset group."""
TABLES = "project_metadata"
SESSIONS_CSV = "ecephys_sessions.csv"
DEFAULT_PROJECT = "NeuropixelVisualBehavior"


@dataclass
class ManifestRows:
    """Rows of the three tables, as dictionaries."""

    sessions: list[dict[str, object]] = field(default_factory=list)
    insertions: list[dict[str, object]] = field(default_factory=list)
    files: list[dict[str, object]] = field(default_factory=list)


Sizes = Mapping[tuple[str, str], int]
"""Bytes by path and object version, as the bucket lists them; empty where nobody was asked."""


def manifest_rows(release: Release, newest: Release | None, sizes: Sizes, *, only_present: bool) -> ManifestRows:
    """Return the rows of every session of a release, in the order of their ids.

    Parameters
    ----------
    release
        The release that is read.
    newest
        The newest release at hand, which tells which amplitudes of an older one were right.
    sizes
        What the bucket lists; the size of a file that lies in the folder is known without it.
    only_present
        Whether sessions count only where their file lies in the folder.

    Raises
    ------
    BadUpstreamData
        If a table cannot be read.
    """
    sessions = read_sessions(release)
    by_file_id = {file.file_id: file for file in release.files.values() if file.file_id}
    files = {
        str(session_id): by_file_id.get(row["file_id"].removesuffix(".0")) for session_id, row in sessions.iterrows()
    }
    if only_present:
        files = {key: file for key, file in files.items() if file and (release.folder / file.path).is_file()}
    paths = {key: file.path for key, file in files.items() if file}
    scales = amplitude_scales(release, paths, newest if newest is not None and is_mended(newest) else None)
    probes = {str(key): rows for key, rows in read_probes(release).groupby("ecephys_session_id")}
    channels = {str(key): rows for key, rows in read_channels(release).groupby("ecephys_session_id")}
    out = ManifestRows()
    for session_id in sorted(files, key=int):
        abnormal = abnormalities(session_id, sessions.loc[session_id])
        own_probes = probes.get(session_id, pd.DataFrame(columns=["ecephys_probe_id", "name"]))
        out.sessions.append(_session_row(session_id, sessions.loc[session_id], abnormal))
        out.insertions += [
            {"session_id": session_id, "insertion_id": probe_id, "probe": name}
            for name, probe_id in sorted(zip(own_probes["name"], own_probes["ecephys_probe_id"]))
        ]
        file = files[session_id]
        if file is not None:
            out.files.append(_nwb_row(session_id, release, file, sizes))
        out.files.append(_fact(session_id, "events,alignment", TABLES, SESSIONS_CSV, abnormal.content_version()))
        if session_id in channels:
            md5 = warehouse.channel_rows_md5(channels[session_id])
            out.files.append(_fact(session_id, "alignment", TABLES, warehouse.CHANNELS_CSV, md5))
        if session_id in scales:
            # Only where it differs from 1: a file that the mended release left alone keeps its identity.
            out.files.append(_fact(session_id, "spikes", "", SCALE_NAME, f"{scales[session_id]:g}"))
        out.files += _lfp_rows(session_id, release, own_probes, by_file_id, sizes)
    return out


def _session_row(session_id: str, row: pd.Series, abnormal: Abnormalities) -> dict[str, object]:
    regions = listed(str(row.get("structure_acronyms", "")))
    return {
        "session_id": session_id,
        "subject": str(row["mouse_id"]).removesuffix(".0"),
        "lab": warehouse.LAB,
        "date": str(row.get("date_of_acquisition", ""))[:10] or None,
        "number": 1,
        "task_protocol": row["session_type"] or None,
        "projects": row.get("project_code", "") or DEFAULT_PROJECT,
        "n_units_released": pd.to_numeric(row.get("unit_count", "") or None),
        "regions": ",".join(sorted(region for region in regions if region and region != "nan")) or None,
        "qc": abnormal.flags,
    }


def _nwb_row(session_id: str, release: Release, file: ReleaseFile, sizes: Sizes) -> dict[str, object]:
    collection, _, name = file.path.rpartition("/")
    local = release.folder / file.path
    size = sizes.get((file.path, file.version_id))
    if size is None and local.is_file():
        size = local.stat().st_size
    return {
        **_fact(session_id, NWB_GROUPS, collection, name, file.file_hash),
        "size": float(size) if size is not None else None,
        "dataset_id": file.file_id,
        "url": file.url,
    }


def _lfp_rows(
    session_id: str, release: Release, probes: pd.DataFrame, by_file_id: dict[str, ReleaseFile], sizes: Sizes
) -> list[dict[str, object]]:
    """Return the LFP files of the session's probes; they are listed and never read."""
    rows = []
    file_ids = probes["file_id"] if "file_id" in probes else pd.Series("", index=probes.index)
    for name, file_id in zip(probes["name"], file_ids):
        file = by_file_id.get(str(file_id).removesuffix(".0"))
        if file is not None:
            rows.append({**_nwb_row(session_id, release, file, sizes), "group": "other", "probe": name})
    return rows


def _fact(session_id: str, group: str, collection: str, name: str, content: str) -> dict[str, object]:
    return {
        "session_id": session_id,
        "probe": "",
        "group": group,
        "collection": collection,
        "revision": "",
        "name": name,
        "md5": content,
        "size": None,
        "default_revision": True,
    }
