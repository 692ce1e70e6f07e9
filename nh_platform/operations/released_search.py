"""Searches over whole releases, before anything of a session is downloaded: probe insertions, units, channels.

Contains what `nh probes`, `nh units` and `nh channels` print. Add here a search that needs the settings of a home or
may ask upstream; what the store alone answers is `nh_platform.reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.session import ConfigError, NhError, UnknownSession

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.history.freezes import Freeze
    from nh_platform.history.manifest import Manifest
    from nh_platform.home.platform import Platform
    from nh_platform.reading.searching.probe_search import ProbeQuery
    from nh_platform.reading.searching.released import Released


@dataclass(frozen=True)
class Search:
    """Outcome of a search.

    Parameters
    ----------
    rows
        What was found.
    notes
        What a reader should know of it, in sentences.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()


def probes(
    home: Path | str,
    source: str | None = None,
    *,
    region: str = "",
    freeze: str = "",
    subject: str = "",
    lab: str = "",
    session: str = "",
    min_units: int = 0,
) -> Search:
    """Find probe insertions, by their region and freeze among others; downloads no session data.

    Parameters
    ----------
    home
        Home folder.
    source
        Only this source; every one that was synced where None.
    region
        Region in which an insertion has a channel or unit. Where neither the released tables nor stored sessions tell,
        Alyx is asked.
    freeze
        Name of a list, or path of a CSV file; a published one is fetched.
    subject, lab, session, min_units
        As of `nh_platform.reading.searching.probe_search.ProbeQuery`.

    Returns
    -------
    Search
        Rows of schema `PROBE_CATALOG`.

    Raises
    ------
    ConfigError
        If there is no such source or region; the text names the nearest.
    UnknownSession
        If there is no such freeze, nothing was ever synced, or no one knows the regions of the source.
    """
    import pandas as pd

    from nh_platform.history.published_freezes import FREEZES_FOLDER, freeze_named
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.reading.searching.probe_search import COLUMNS, ProbeQuery

    platform = Platform(load_settings(Path(home)))
    listed = freeze_named(freeze, platform.settings.home / FREEZES_FOLDER) if freeze else None
    manifests, notes = _manifests(platform, source, listed)
    query = ProbeQuery(None, listed, subject, lab, session, min_units)
    found, refused = [], []
    for name, manifest in manifests.items():
        try:
            table, said = _of_source(platform, name, manifest, query, region)
        except UnknownSession as error:
            refused.append(error)
            continue
        found.append(table)
        notes += said
    if refused and not found:
        raise refused[0]
    notes += [f"{error.thing}: {error.found}. {error.action}" for error in refused]
    rows = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)
    return Search(rows, tuple(dict.fromkeys(notes)))


def released_rows(
    home: Path | str,
    table: str,
    source: str,
    *,
    region: str = "",
    columns: Sequence[str] | None = None,
    by: Sequence[str] = (),
    where: Sequence[str] = (),
) -> Search:
    """Return units or channels of a whole release, or how many there are of each kind.

    Parameters
    ----------
    home, source
        Home folder and source.
    table
        ``units`` or ``channels``.
    region
        Only those in a region or below it.
    columns
        Columns to return; all where None. Like ``where`` and ``by`` also those of the release's table of sessions
        (genotype, sex, …), and of units those of its analysis metrics.
    where
        Only rows of which these conditions are true, for example ``snr>3`` or ``sex=F``.
    by
        The rows are counted by these columns.

    Raises
    ------
    ConfigError
        If there is no such source, region or column, or a condition cannot be read; the text names the nearest.
    UnknownSession
        If the release has no such table here; the text says how to get it.
    """
    from nh_platform.home.settings import load_settings
    from nh_platform.reading.searching.conditions import read_conditions, rows_where
    from nh_platform.reading.searching.released import Released
    from nh_platform.store import Store

    conditions = read_conditions(where)
    settings = load_settings(Path(home))
    released = Released(Store(settings.store), settings.entry(source).name)
    notes = tuple(filter(None, (released.region(region).note,))) if region else ()
    if not released.holds(table):
        action = f"Run `nh sync {source}`; where they are large `nh sync {source} --tables` fetches them."
        raise UnknownSession(f"released {table} of {source}", "no table of them is stored", action)
    asked_of = [one.column for one in conditions]
    if not by:
        chosen = [*(columns or released.column_names(table)), *asked_of] if asked_of or columns else None
        found = rows_where(_rows_with_facts(released, table, chosen, region), conditions)
        return Search(found if columns is None else found[list(columns)], notes)
    rows = _rows_with_facts(released, table, ["session_id", "insertion_id", *by, *asked_of], region)
    rows = rows_where(rows, conditions)
    counted = rows.groupby(list(by), dropna=False).agg(
        **{table: ("session_id", "size"), "probes": ("insertion_id", "nunique"), "sessions": ("session_id", "nunique")}
    )
    counted = counted.sort_values(table, ascending=False, kind="stable").reset_index()
    return Search(counted, notes)


def _rows_with_facts(released: Released, table: str, columns: Sequence[str] | None, region: str) -> pd.DataFrame:
    """Return these columns of units or channels; what only the release's table of sessions has is joined."""
    from nh_platform.session.errors import close_matches

    read = released.unit_rows if table == "units" else released.channels
    if columns is None:
        return read(None, region or None)
    sessions, own = released.sessions(), released.column_names(table)
    of_session = [name for name in dict.fromkeys(columns) if name in sessions and name not in own]
    joined_by = ["session_id"] if of_session else []
    try:
        rows = read([name for name in dict.fromkeys([*columns, *joined_by]) if name not in of_session], region or None)
    except ConfigError as error:  # its list of columns lacks those of the sessions
        near = close_matches(error.thing.split("'")[1], sessions.columns) if "column" in error.thing else ""
        raise ConfigError(error.thing, error.found, f"{error.action}{near}") from error
    return rows.merge(sessions[["session_id", *of_session]], on="session_id", how="left") if of_session else rows


def _manifests(
    platform: Platform, source: str | None, freeze: Freeze | None
) -> tuple[dict[str, Manifest | None], list[str]]:
    """Return the manifests that are searched, of their files those of sortings, and which sources were never synced."""
    from nh_platform.history.snapshots import find_snapshot
    from nh_platform.sources.ibl.catalogue.sortings import FILE_NAMES

    settings = platform.settings
    names = [settings.entry(source).name] if source else list(settings.entries)
    manifests: dict[str, Manifest | None] = {}
    notes = []
    for name in names:
        try:
            manifests[name] = find_snapshot(platform.store, name).manifest(files_named=FILE_NAMES)
        except UnknownSession:
            if source and freeze is None:
                raise
            notes.append(f"{name} was never synced: `nh sync {name}`")
    if freeze is None:
        if not manifests:
            raise UnknownSession("sources", "none was ever synced", "Run `nh sync ibl`, or of another source.")
        return manifests, notes
    # A list names sessions of one source; before that is synced the list is all that is known.
    sessions = set(freeze.session_ids)
    listing = {name: one for name, one in manifests.items() if one and sessions & set(one.sessions["session_id"])}
    chosen: dict[str, Manifest | None] = {**listing} if listing else {names[0]: manifests.get(names[0])}
    return chosen, [] if listing else notes[:1]


def _of_source(
    platform: Platform, source: str, manifest: Manifest | None, query: ProbeQuery, region: str
) -> tuple[pd.DataFrame, list[str]]:
    from nh_platform.reading.searching.probe_search import find_probes, region_counts
    from nh_platform.reading.searching.released import region_names
    from nh_platform.sources.anatomy.region_names import find_region

    if not region:
        return find_probes(platform.store, source, manifest, query), []
    place = find_region(region, region_names(source))
    query = replace(query, region=place)
    notes = [place.note] if place.note else []
    counted = region_counts(platform.store, source, manifest)
    if len(counted):
        listed = set() if manifest is None else set(manifest.insertions["insertion_id"])
        unknown = len(listed - set(counted["insertion_id"]))
        if unknown:
            notes.append(f"{source}: of {unknown} of {len(listed)} insertions no table here states regions")
        return find_probes(platform.store, source, manifest, query, counted=counted), notes
    from nh_platform.sources.source import KnowsRegions

    located = None
    try:
        upstream: Any = platform.source(source)
        located = upstream.insertions_in(place.acronym) if isinstance(upstream, KnowsRegions) else None
    except NhError as error:
        raise UnknownSession(f"regions of {source}", f"{error.thing}: {error.found}", error.action) from error
    if located is None:
        raise UnknownSession(
            f"regions of {source}",
            "no table of the release is here, no session is made, and no account is set to ask Alyx with",
            f"Run `nh sync {source} --tables`, or set NH_ONE_URL and an account.",
        )
    notes.append(f"{source}: asked upstream; alignments that are not final count too, and channels are not counted")
    return find_probes(platform.store, source, manifest, query, located, counted), notes
