"""Finding probe insertions: one row per insertion of the manifest or a freeze, with where its channels lie.

Contains the table that `nh probes` prints and its filters. Add a search term here. Regions come from the released
tables, else from what is stored of a session; nothing here asks upstream.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from nh_platform.history.freezes import Freeze
from nh_platform.history.insertion_ids import with_known_ids
from nh_platform.history.manifest import Manifest
from nh_platform.history.released_tables import ASSET, count_regions, read_released
from nh_platform.session.tables.catalogue.released import PROBE_CATALOG, RELEASED_REGIONS
from nh_platform.sources.anatomy.region_names import Region
from nh_platform.sources.ibl.catalogue.sortings import sortings
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.file_hashes import is_stored
from nh_platform.store.names import SOURCE_WIDE

COLUMNS = PROBE_CATALOG.names
"""Columns of the table that `find_probes` returns."""

_KEYS = ["session_id", "insertion_id", "probe"]
_LOCATED = ["session_id", "insertion_id", "acronym", "beryl", "cosmos"]


@dataclass(frozen=True)
class ProbeQuery:
    """Conditions on an insertion. Texts match anywhere, whatever the case; None and empty mean anything.

    Parameters
    ----------
    region
        Region in which it must have a channel or unit, looked up before (`nh_platform.sources.anatomy.region_names`).
    freeze
        List that must name it; what it names and the manifest does not list is found too.
    subject, lab, session
        Part of the animal's and the lab's name, and beginning of the session id.
    min_units
        Least number of units before any filter, of the region where one is asked for.
    """

    region: Region | None = None
    freeze: Freeze | None = None
    subject: str = ""
    lab: str = ""
    session: str = ""
    min_units: int = 0


def find_probes(
    store: Store,
    source: str,
    manifest: Manifest | None,
    query: ProbeQuery,
    located: Collection[str] | None = None,
    counted: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the insertions that match, one row each, columns `COLUMNS`, by session and probe.

    Parameters
    ----------
    store, source
        What is stored, and of which source.
    manifest
        What upstream lists; None where the source was never synced, and a freeze alone says what there is.
    query
        The search terms.
    located
        Ids of the insertions in the region as upstream answered, where the store knows no regions.
    counted
        What `region_counts` returns, where it is at hand; read where None.
    """
    counted = region_counts(store, source, manifest) if counted is None else counted
    table = _listed(manifest, query.freeze, counted)
    if query.region is not None:
        here = counted[counted["acronym"].isin(query.region.acronyms)]
        found = set(here["insertion_id"]) if located is None else set(located)
        table = table[table["insertion_id"].isin(found)]
        counted = here
    table = _with_counts(table, counted, by="beryl" if query.region is None else "acronym")
    for column, wanted in (("subject", query.subject), ("lab", query.lab)):
        table = table[table[column].str.contains(wanted, case=False, regex=False)]
    table = table[table["session_id"].str.startswith(query.session)]
    if query.min_units:
        table = table[table["units"].fillna(0) >= query.min_units]
    table = _with_sortings(table, manifest)
    table = table.assign(source=source).sort_values(["date", "session_id", "probe", "insertion_id"], ignore_index=True)
    return PROBE_CATALOG.conform(table[COLUMNS])


def _with_sortings(table: pd.DataFrame, manifest: Manifest | None) -> pd.DataFrame:
    """Return insertions with the sorter of their spikes, its revision and its log; null where no file says."""
    columns = ["sorter", "revision", "sorter_log"]
    if manifest is None:
        return table.assign(**dict.fromkeys(columns))
    of_found = manifest.files[manifest.files["session_id"].isin(table["session_id"])]
    return table.merge(sortings(of_found), on=["session_id", "probe"], how="left")


def region_counts(store: Store, source: str, manifest: Manifest | None) -> pd.DataFrame:
    """Return channels and units by insertion and structure, schema `RELEASED_REGIONS`; empty where none are known.

    Those that the release tabulates, else those of the sessions whose ``units`` are stored.
    """
    folder = store.usable(source, SOURCE_WIDE, ASSET)
    if folder is not None:
        released = read_released(folder, "regions")
        if len(released):
            return released
    return RELEASED_REGIONS.empty() if manifest is None else _stored_regions(store, manifest)


def _stored_regions(store: Store, manifest: Manifest) -> pd.DataFrame:
    empty = RELEASED_REGIONS.empty()[_LOCATED].assign(probe="")
    parts = {name: [empty] for name in ("channels", "units")}
    for session_id in sorted(set(store.sessions(manifest.source)).intersection(manifest.sessions["session_id"])):
        folder = store.usable(manifest.source, session_id, "units")
        paths = {} if folder is None else {name: folder / f"{name}.parquet" for name in parts}
        for name, path in paths.items():
            if is_stored(path):
                rows = read_table(path, ["probe", "acronym", "beryl", "cosmos"])
                parts[name].append(rows.assign(session_id=session_id))
    named = {}
    for name, tables in parts.items():
        rows = pd.concat(tables, ignore_index=True).drop(columns="insertion_id")
        named[name] = rows.merge(manifest.insertions[_KEYS], on=["session_id", "probe"])
    return count_regions(named["channels"], named["units"])


def _listed(manifest: Manifest | None, freeze: Freeze | None, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the insertions that the manifest or the freeze lists, and those that only a released table knows."""
    facts = ["number", "date", "subject", "lab"]
    columns = [*_KEYS, *facts, "qc", "alignment_resolved"]
    known = counted[["session_id", "insertion_id"]].drop_duplicates("insertion_id").assign(probe="")
    parts = []
    if manifest is not None:
        tables = [freeze.rows[_KEYS]] if freeze is not None else []
        insertions = with_known_ids(manifest.insertions, *tables)
        parts.append(insertions.merge(manifest.sessions[["session_id", *facts]], on="session_id", how="left"))
    if freeze is not None:
        parts = [part[freeze.select(part)] for part in parts]
        named = freeze.rows if freeze.insertion_ids else freeze.rows.iloc[:0]
        parts.append(named)
    else:
        parts.append(known)
    table = pd.concat([part.reindex(columns=columns).astype(object) for part in parts], ignore_index=True)
    table = table.drop_duplicates("insertion_id", ignore_index=True)
    texts = ["session_id", "probe", "date", "subject", "lab"]
    return table.assign(**{name: table[name].where(table[name].notna(), "").astype(str) for name in texts})


def _with_counts(table: pd.DataFrame, counted: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return insertions with their channels, units and structures; null where no table says."""
    totals = counted.groupby("insertion_id")[["channels", "units"]].sum()
    named = counted.assign(named=counted[by].where(counted[by].notna(), counted["acronym"]))
    sizes = named.groupby(["insertion_id", "named"])[["channels", "units"]].sum().reset_index()
    sizes = sizes.sort_values(["channels", "units", "named"], ascending=[False, False, True])
    lists = sizes.groupby("insertion_id", sort=False)["named"].agg(", ".join)
    ids = table["insertion_id"]
    tabulated = {name: bool(counted[name].any()) for name in ("channels", "units")}
    return table.assign(
        channels=ids.map(totals["channels"]).astype("float64") if tabulated["channels"] else float("nan"),
        units=ids.map(totals["units"]).astype("float64") if tabulated["units"] else float("nan"),
        regions=ids.map(lists).astype(object).where(ids.isin(lists.index), ""),
    )
