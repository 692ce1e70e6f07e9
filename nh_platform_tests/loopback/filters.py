"""Which records a REST query selects: the named filters that ONE uses, and Django's ``field__lookup`` ones.

Add a filter or a relation here when a test asks for it. An unknown one is an error, so that no test passes because a
filter was ignored.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from nh_platform_tests.loopback.state import AlyxState, Record

PAGING = ("limit", "offset")

NAMED: dict[str, tuple[str, ...]] = {
    "sessions": (
        *("subject", "date_range", "number", "lab", "project", "projects", "task_protocol", "tag", "datasets"),
        *("dataset_types", "atlas_acronym", "atlas_id", "qc", "dataset_qc_lte", "histology", "performance_gte"),
        *("users", "nickname", "location", "id", "django", *PAGING),
    ),
    "insertions": (
        *("session", "name", "subject", "lab", "project", "task_protocol", "tag", "experiment_number", "model"),
        *("datasets", "dataset_types", "atlas_acronym", "atlas_id", "dataset_qc_lte", "id", "django", *PAGING),
    ),
    "datasets": (
        *("session", "name", "tag", "collection", "revision", "exists", "public", "protected", "subject", "lab"),
        *("dataset_type", "id", "django", *PAGING),
    ),
    "subjects": ("alive", "stock", "responsible_user", "nickname", "project", "lab", "django", *PAGING),
    "trajectories": ("probe_insertion", "provenance", "probe", "id", "django", *PAGING),
    "channels": ("probe_insertion", "id", "django", *PAGING),
    "tags": ("name", "django", *PAGING),
    "revisions": ("django", *PAGING),
    "data-notices": ("django", *PAGING),
    "data-repository": ("django", *PAGING),
    "files": ("django", *PAGING),
}
"""Query parameters of each list endpoint; they are also the search terms that ONE allows."""


class UnknownFilter(Exception):
    """A query used a parameter or lookup that the stand-in does not know."""


def select(state: AlyxState, endpoint: str, records: list[Record], query: dict[str, str]) -> list[Record]:
    """Return the records that all parameters of a query select, in their order."""
    selected = list(records)
    for name, value in query.items():
        if name in PAGING:
            continue
        if name not in NAMED[endpoint]:
            raise UnknownFilter(f"/{endpoint} has no parameter {name!r}")
        if name == "django":
            for path, operand in _pairs(value):
                selected = [r for r in selected if _django(state, endpoint, r, path, operand)]
        else:
            selected = [r for r in selected if _named(state, endpoint, r, name, value)]
    return selected


def _named(state: AlyxState, endpoint: str, record: Record, name: str, value: str) -> bool:
    session = state.sessions.get(record.get("session", record["id"]), {})
    texts = {"task_protocol", "lab", "project", "projects", "collection"}
    if name == "tag":
        tags = _related(state, endpoint, record, "tags")
        return value in tags if endpoint == "datasets" else any(value.lower() in tag.lower() for tag in tags)
    if name == "date_range":
        first, last = value.split(",")
        return first <= session["start_time"][:10] <= last
    if name in ("number", "experiment_number"):
        return int(session["number"]) == int(value)
    if name == "datasets":
        names = {d["name"] for d in state.datasets.values() if d["session"] == session["id"]}
        return set(value.split(",")) <= names
    if name in ("exists", "public", "protected"):
        return name != "exists" or record["exists"] == (value == "True")
    if name in ("session", "name", "revision", "qc", "probe_insertion", "provenance", "id", "model"):
        return str(record.get(name)) == value
    if name == "atlas_acronym" and endpoint == "insertions":
        return bool(_below(value).intersection(state.regions.get(record["id"], ())))
    if name == "subject":
        return session["subject"] == value
    if name in texts:
        found = record.get(name) if name == "collection" else session.get("projects" if "project" in name else name)
        text = ",".join(found) if isinstance(found, list) else str(found)
        return value.lower() in text.lower()
    raise UnknownFilter(f"/{endpoint}?{name}= is declared but not played by the stand-in")


@functools.cache
def _below(acronym: str) -> frozenset[str]:
    """Return a structure and all below it, as Alyx descends."""
    from iblatlas.regions import BrainRegions

    regions = BrainRegions()
    ids = regions.id[(regions.acronym == acronym) & (regions.id > 0)]
    return frozenset(regions.descendants(ids)["acronym"]) if len(ids) else frozenset()


def _pairs(value: str) -> list[tuple[str, str]]:
    """Split ``field,value,field,value`` at commas outside brackets."""
    parts = [part.strip() for part in re.split(r",(?![^\[(]*[\])])", value.strip(",")) if part.strip()]
    if len(parts) % 2:
        raise UnknownFilter(f"django={value!r} is not a list of pairs")
    return list(zip(parts[::2], parts[1::2]))


def _django(state: AlyxState, endpoint: str, record: Record, path: str, operand: str) -> bool:
    negated, path = path.startswith("~"), path.lstrip("~")
    field, _, lookup = path.rpartition("__")
    if lookup not in ("in", "gt", "gte", "lt", "lte", "icontains", "contains", "isnull", "exact", "startswith"):
        field, lookup = path, "exact"
    found = _related(state, endpoint, record, field)
    return negated != any(_holds(str(value), lookup, operand, value is None) for value in found or [None])


def _holds(value: str, lookup: str, operand: str, is_null: bool) -> bool:
    if lookup == "isnull":
        return is_null == (operand == "True")
    if is_null:
        return False
    if lookup == "in":
        return value in re.findall(r"[^\s'\",\[\]()]+", operand.replace("UUID", ""))
    return {
        "exact": value == operand,
        "icontains": operand.lower() in value.lower(),
        "contains": operand in value,
        "startswith": value.startswith(operand),
        "gt": value > operand,
        "gte": value >= operand,
        "lt": value < operand,
        "lte": value <= operand,
    }[lookup]


def _related(state: AlyxState, endpoint: str, record: Record, field: str) -> list[Any]:
    """Return the values that a Django path leads to from a record."""
    field = re.sub(r"^(pk|id)$", "id", field).replace("session__pk", "session").replace("session__id", "session")
    if field in record and field != "tags":
        return [record[field]]
    session = record["id"] if endpoint == "sessions" else record.get("session")
    datasets = [record] if endpoint == "datasets" else [d for d in state.datasets.values() if d["session"] == session]
    if endpoint == "insertions":
        datasets = [d for d in datasets if f"/{record['name']}" in d["collection"]]
    if field in ("tags", "tags__name", "datasets__tags__name", "data_dataset_session_related__tags__name"):
        return sorted({tag for dataset in datasets for tag in dataset["tags"]})
    if field in ("datasets__name", "data_dataset_session_related__name"):
        return sorted({dataset["name"] for dataset in datasets})
    if field.startswith("session__") and session in state.sessions:
        return [state.sessions[session].get(field.removeprefix("session__"))]
    raise UnknownFilter(f"/{endpoint}: django path {field!r} is not played by the stand-in")
