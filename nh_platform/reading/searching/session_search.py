"""Finding sessions: one row per session of the manifest, joined with what the store holds of it.

Contains the table that `nh sessions` prints and its filters. Add a search term here. Nothing here asks upstream; the
manifest of the last sync and the stored summaries answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

from nh_platform.history.manifest import Manifest
from nh_platform.reading.searching.released import region_names
from nh_platform.reading.searching.session_facts import FactQuery, SessionFacts, matches, refuse_unknown, session_facts
from nh_platform.session import ConfigError, DamagedFile
from nh_platform.session.tables.across_sessions.catalogs import SESSION_CATALOG
from nh_platform.sources.anatomy.region_names import find_region
from nh_platform.store import Store
from nh_platform.store.codecs.json_files import SUMMARY_FILE, read_json
from nh_platform.store.file_hashes import is_stored

COLUMNS = SESSION_CATALOG.names
"""Columns of the table that `find_sessions` returns."""

SORTABLE = ("units", "good_units", "performance", "trials", "notes", "date", "subject", "lab")


@dataclass(frozen=True)
class SessionQuery:
    """Conditions on a session. Texts match anywhere, whatever the case; None and empty mean anything.

    Parameters
    ----------
    subject, lab, project, task_protocol
        Part of the text.
    date_from, date_to
        ``YYYY-MM-DD``, both included.
    region
        Region in which the session has a unit or channel, or that upstream states: an acronym of the Allen CCF, Beryl
        or Cosmos with all below it, or V1, LM, LGN, ….
    datasets
        Names of upstream files that must all be there, for example ``spikes.times.npy``.
    min_units, min_performance, min_probes
        Least number of units before any filter, least share of correct easy trials (0 to 1), least number of probes.
    facts
        Conditions on what the release states of animal, stimuli and QC.
    """

    subject: str = ""
    lab: str = ""
    project: str = ""
    task_protocol: str = ""
    date_from: str = ""
    date_to: str = ""
    region: str = ""
    datasets: list[str] = field(default_factory=list)
    min_units: int = 0
    min_performance: float = 0.0
    min_probes: int = 0
    facts: FactQuery = field(default_factory=FactQuery)


def find_sessions(
    manifests: Manifest | Sequence[Manifest],
    store: Store,
    query: SessionQuery,
    *,
    sort: str = "",
    spread: str = "",
    limit: int = 0,
    set_aside: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Return the sessions that match, one row each, columns `COLUMNS`.

    Parameters
    ----------
    manifests, store
        What upstream holds, of one source or several, and what was made of it.
    query
        The search terms.
    sort
        One of `SORTABLE`; numbers largest first, texts ascending. Session order of the manifest where empty.
    spread
        ``region``, ``lab`` or ``subject``: take one session of each value in turn, so that a small set is diverse.
    limit
        Return at most this many; all where 0.
    set_aside
        What to say of sessions that reviewers set aside, by source and session
        (`nh_platform.home.set_aside.set_aside_words`).

    Raises
    ------
    ConfigError
        If ``sort`` or ``spread`` is not one of those, or there is no such region, genotype and so on; the text names
        the nearest.
    """
    if sort and sort not in SORTABLE:
        raise ConfigError(f"sort {sort!r}", "sessions cannot be sorted by it", f"Use one of: {', '.join(SORTABLE)}.")
    if spread not in ("", "region", "lab", "subject"):
        raise ConfigError(f"spread {spread!r}", "sessions cannot be spread over it", "Use region, lab or subject.")
    _check_query(query)
    rows: list[dict[str, Any]] = []
    names: dict[str, set[str]] = {}
    wanted: dict[str, frozenset[str]] = {}
    for manifest in [manifests] if isinstance(manifests, Manifest) else manifests:
        facts = session_facts(store, manifest.source)
        aside = set_aside.get(manifest.source, {})
        rows += [
            {**_row(manifest, store, row._asdict(), facts), "set_aside": aside.get(str(row.session_id), "")}
            for row in manifest.sessions.itertuples(index=False)
        ]
        if query.datasets:
            names |= manifest.files.groupby("session_id")["name"].agg(set).to_dict()
        if query.region:
            wanted[manifest.source] = find_region(query.region, region_names(manifest.source)).acronyms
    refuse_unknown(rows, query.facts, list(dict.fromkeys(row["source"] for row in rows)))
    found = [row for row in rows if _matches(row, query, wanted, names.get(row["session_id"], set()))]
    if sort:
        found.sort(key=lambda row: _sort_key(row, sort))
    if spread:
        found = _spread(found, spread)
    return pd.DataFrame(found[: limit or None], columns=COLUMNS)


def _check_query(query: SessionQuery) -> None:
    """Refuse what can match nothing by its form."""
    for day in (query.date_from, query.date_to):
        if day and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
            raise ConfigError(f"date {day!r}", "it is not a day", "Write YYYY-MM-DD.")
    if not 0 <= query.min_performance <= 1:
        raise ConfigError(f"performance {query.min_performance:g}", "it is a share", "Write 0.8 for 80 %.")


def read_summary(store: Store, source: str, session_id: str, asset: str) -> dict[str, Any]:
    """Return the stored summary of one asset of a session; empty where it was not made or is damaged."""
    folder = store.usable(source, session_id, asset)
    if folder is None or not is_stored(folder / SUMMARY_FILE):
        return {}
    try:
        return read_json(folder / SUMMARY_FILE)
    except DamagedFile:  # noted beside the asset; the other sessions are listed
        return {}


def _row(manifest: Manifest, store: Store, upstream: dict[str, Any], facts: SessionFacts) -> dict[str, Any]:
    source, session_id = manifest.source, upstream["session_id"]
    units = read_summary(store, source, session_id, "units")
    events = read_summary(store, source, session_id, "events")
    regions: Mapping[str, int] = units.get("regions") or facts.regions.get(session_id, {})
    stated = [name for name in (upstream["regions"] or "").split(",") if name]
    stated_units = upstream["n_units_released"]
    released = facts.units.get(session_id) if pd.isna(stated_units) else int(stated_units)
    performance = events.get("performance", upstream["performance"])
    stored = store.assets(source, session_id)
    records = [store.provenance(source, session_id, asset) for asset in stored]
    return {
        "source": source,
        "session_id": session_id,
        "subject": upstream["subject"],
        "lab": upstream["lab"] or "",
        "date": upstream["date"] or "",
        "task_protocol": upstream["task_protocol"] or "",
        "projects": upstream["projects"] or "",
        "probes": int((manifest.insertions["session_id"] == session_id).sum()),
        "units": units.get("n_units", released),
        "good_units": units.get("n_pass", {}).get(units.get("active_rulebook", "")),
        "performance": None if performance is None or pd.isna(performance) else float(performance),
        "trials": events.get("n_trials") or events.get("n_presentations"),
        "regions": ", ".join(sorted(regions, key=lambda name: (-regions[name], name))) or ", ".join(stated),
        "assets": len(stored),
        "notes": sum(len(record.left_out) for record in records if record is not None),
        "region_counts": regions or dict.fromkeys(stated, 1),
        "region_names": units.get("region_names") or [*stated, *facts.acronyms.get(session_id, ())],
        "qc": upstream["qc"] if isinstance(upstream["qc"], str) else None,
        **facts.of(session_id),
    }


def _matches(row: dict[str, Any], query: SessionQuery, wanted: Mapping[str, frozenset[str]], names: set[str]) -> bool:
    texts = (
        (query.subject, row["subject"]),
        (query.lab, row["lab"]),
        (query.project, row["projects"]),
        (query.task_protocol, row["task_protocol"]),
    )
    if any(wanted.lower() not in found.lower() for wanted, found in texts):
        return False
    if (query.date_from and row["date"] < query.date_from) or (query.date_to and row["date"] > query.date_to):
        return False
    if query.region and wanted[row["source"]].isdisjoint(row["region_names"]):
        return False
    if row["probes"] < query.min_probes or not matches(row, query.facts):
        return False
    if query.min_units and (row["units"] or 0) < query.min_units:
        return False
    if query.min_performance and (row["performance"] or 0.0) < query.min_performance:
        return False
    return all(wanted in names for wanted in query.datasets)


def _sort_key(row: dict[str, Any], sort: str) -> tuple[bool, Any, str]:
    value = row[sort]
    if isinstance(value, str):
        return (not value, value, row["session_id"])
    return (value is None, -(value or 0), row["session_id"])


def _spread(rows: list[dict[str, Any]], over: str) -> list[dict[str, Any]]:
    """Order rows so that every value of ``over`` comes once before any comes twice; ties keep the given order."""
    taken: dict[str, int] = {}
    left, ordered = list(rows), []
    while left:
        best = min(range(len(left)), key=lambda i: (_times_taken(left[i], over, taken), i))
        row = left.pop(best)
        ordered.append(row)
        for value in _values(row, over):
            taken[value] = taken.get(value, 0) + 1
    return ordered


def _values(row: dict[str, Any], over: str) -> list[str]:
    return sorted(row["region_counts"]) if over == "region" else [row[over]]


def _times_taken(row: dict[str, Any], over: str, taken: dict[str, int]) -> float:
    values = _values(row, over)
    return sum(taken.get(value, 0) for value in values) / len(values) if values else float("inf")
