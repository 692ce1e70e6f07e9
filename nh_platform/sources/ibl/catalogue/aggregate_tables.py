"""IBL's aggregate tables: clusters and channels of a whole release, as ``aggregates/<tag>/`` of the bucket has them.

Contains their readers: ``clusters.pqt`` and ``channels.pqt`` in a folder, with the insertion (``pid``) as a column or
as the first level of the index, as both are published. Add here another table that IBL aggregates. Fetching them is
`aggregate_downloads`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.downloads.hashes import file_hash
from nh_platform.history.identity import version_of
from nh_platform.history.insertion_ids import with_known_ids
from nh_platform.history.manifest import Manifest
from nh_platform.history.released_tables import ReleasedTables
from nh_platform.session import BadUpstreamData
from nh_platform.session.display import counted
from nh_platform.session.errors import close_matches
from nh_platform.sources.anatomy.coordinates import ccf_um_from_xyz_m
from nh_platform.sources.anatomy.regions import regions_of_acronyms
from nh_platform.store.provenance import UpstreamFile

FILES = {"channels": "channels.pqt", "units": "clusters.pqt"}
"""File of each table of the release."""

KNOWN_MD5 = {
    "2024_Q2_IBL_et_al_BWM/clusters.pqt": "b89fac76289f3a3d585910711f1eef41",
    "2026_Q2_IBL_et_al_BWM/clusters.pqt": "ac22196fbd77687d6ee3a0c6b1b1fc15",
}
"""md5 of published tables, by tag and file (paper-brain-wide-map, ``bwm_loading.download_aggregate_tables``)."""

FETCHED = (FILES["units"],)
"""What the bucket has for a tag; of channels it has no table."""

_PROBE_NAMES = ("probe_name", "pname", "probe")
_CHANNEL_KEYS, _UNIT_KEYS = ("channel",), ("uuids", "cluster_id", "id")
"""Columns that name a row within its insertion, the first that is there; else its number."""


def aggregate_hashes(folder: Path | None) -> dict[str, str]:
    """Return the md5 of each table that is in the folder, by its name in `FILES`."""
    paths = {} if folder is None else {name: folder / file for name, file in FILES.items()}
    return {name: file_hash(path) for name, path in paths.items() if path.is_file()}


def aggregate_version(folder: Path | None, manifest: Manifest) -> str:
    """Return the identity of the tables and of what is known of their insertions; empty where there are none."""
    hashes = aggregate_hashes(folder)
    ids = manifest.insertions[["session_id", "probe", "insertion_id"]].itertuples(index=False)
    lines = [*(f"{name} {md5}\n" for name, md5 in sorted(hashes.items())), *sorted(f"{' '.join(row)}\n" for row in ids)]
    return version_of(lines) if hashes else ""


def read_aggregates(folder: Path, release: str, manifest: Manifest) -> ReleasedTables:
    """Return the tables of a folder.

    Parameters
    ----------
    folder
        Folder of the files.
    release
        What they are the tables of.
    manifest
        Tells session and probe of an insertion where a table has its ``pid`` alone; of one that it does not list both
        stay empty.

    Raises
    ------
    BadUpstreamData
        If a table cannot be read, has no insertions or regions, or a row is of no insertion.
    """
    hashes = aggregate_hashes(folder)
    files = [UpstreamFile(collection=release, revision="", name=FILES[name], md5=md5) for name, md5 in hashes.items()]
    if not hashes:
        return ReleasedTables(release, files)
    read = {name: _read(folder / FILES[name], manifest) for name in hashes}
    keys = {"channels": ("channel_id", _CHANNEL_KEYS), "units": ("unit_id", _UNIT_KEYS)}
    tables = {name: _with_key(table, *keys[name]) for name, table in read.items()}
    known = [table[["session_id", "insertion_id", "probe"]].drop_duplicates() for table in read.values()]
    probes = pd.concat(known, ignore_index=True).drop_duplicates("insertion_id", ignore_index=True)
    return ReleasedTables(release, files, probes=probes, **tables)


def _read(path: Path, manifest: Manifest) -> pd.DataFrame:
    from pyarrow import ArrowException

    again = "Get the table again, or remove it."
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError, ArrowException) as error:
        raise BadUpstreamData(f"file {path.name}", f"it cannot be read: {error}", again) from error
    if "pid" not in table.columns and table.index.nlevels > 1:
        table = table.rename_axis(["pid", "row"]).reset_index().drop(columns="row")
    for needed, others in (("pid", ()), ("acronym", ("atlas_id",))):
        if needed not in table.columns:
            near = close_matches(needed, map(str, table.columns))
            instead = f" (nor {others[0]})" if others and others[0] not in table.columns else ""
            raise BadUpstreamData(f"file {path.name}", f"columns missing: {needed}{instead}", f"{again}{near}")
    table = table.reset_index(drop=True)
    nameless = table["pid"].isna() | (table["pid"].astype(str).str.strip() == "")
    if nameless.any():
        first = int(np.flatnonzero(nameless)[0])
        found = f"column pid has {counted(int(nameless.sum()), 'row')} without an id, the first is row {first} (from 0)"
        raise BadUpstreamData(f"file {path.name}", found, again)
    return _placed(table, manifest)


def _placed(table: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Return the rows with session, insertion, probe, region and position in front."""
    insertion = table["pid"].astype(str).astype(object)
    session = table["eid"].astype(str) if "eid" in table else pd.Series("", index=table.index)
    name = next((one for one in _PROBE_NAMES if one in table), None)
    probe = table[name].astype(str) if name else pd.Series("", index=table.index)
    stated = pd.DataFrame({"session_id": session, "insertion_id": insertion, "probe": probe}).drop_duplicates()
    listed = with_known_ids(manifest.insertions, stated).drop_duplicates("insertion_id").set_index("insertion_id")
    regions = _regions(table["acronym"])
    front = {
        "session_id": insertion.map(listed["session_id"]).fillna(session).astype(object),
        "insertion_id": insertion,
        "probe": insertion.map(listed["probe"]).fillna(probe).astype(object),
        **{column: regions[column] for column in ("acronym", "beryl", "cosmos")},
    }
    if {"x", "y", "z"} <= set(table):
        axes = ccf_um_from_xyz_m(table["x"], table["y"], table["z"], outside="keep")
        front |= {axis: pd.Series(values) for axis, values in zip(("ccf_ap_um", "ccf_dv_um", "ccf_ml_um"), axes)}
    said = ["pid", "eid", "acronym", *([name] if name else []), *(one for one in front if one in table)]
    rest = table.drop(columns=[one for one in dict.fromkeys(said) if one in table])
    return pd.concat([pd.DataFrame(front), rest], axis=1)


def _with_key(table: pd.DataFrame, key: str, choices: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows with what names each within its insertion: a stated id that is unique there, else its number."""
    for name in choices:
        if name in table and table[name].notna().all() and not table.duplicated(["insertion_id", name]).any():
            return table.rename(columns={name: key}).assign(**{key: table[name].astype(str).astype(object)})
    numbers = table.groupby("insertion_id", sort=False).cumcount()
    return table.assign(**{key: numbers.astype(np.int64).astype(str).astype(object)})


def _regions(acronyms: pd.Series) -> pd.DataFrame:
    codes, distinct = pd.factorize(acronyms.astype(object).where(acronyms.notna(), ""))
    return regions_of_acronyms(distinct).take(codes).reset_index(drop=True)
