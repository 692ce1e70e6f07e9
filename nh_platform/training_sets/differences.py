"""What differs between two training sets, thing by thing.

Contains the one table of differences. Add here another kind of thing that a set states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from nh_platform.session.tables.across_sessions.unit_vectors import VECTOR_TABLES
from nh_platform.training_sets.training_set import TrainingSet

COLUMNS = ("kind", "source", "session_id", "before", "after")
_KEY = ["source", "session_id"]


def differences(before: TrainingSet, after: TrainingSet) -> pd.DataFrame:
    """Return every difference: settings, sessions, stretches, units, windows, statistics and versions.

    Returns
    -------
    pandas.DataFrame
        ``kind`` (``setting``, ``session``, ``split``, ``fact``, ``stretches``, ``units``, ``windows``, ``statistics``,
        ``version``, ``vectors``, ``images``), ``source`` and ``session_id`` (empty for settings), ``before`` and
        ``after`` in words.
    """
    settings = _settings(before.header["recipe"], after.header["recipe"])
    rows = [*settings, *_sessions(before, after), *_vectors(before, after), *_images(before, after)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    one, other = dict(_flat(before)), dict(_flat(after))
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name) and name not in ("id", "description"):
            yield "setting", "", "", f"{name} {one.get(name, '-')}", f"{name} {other.get(name, '-')}"


def _flat(stated: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in stated.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _sessions(before: TrainingSet, after: TrainingSet) -> Iterator[tuple[str, ...]]:
    facts = [set_.tables["set_sessions"].set_index(_KEY) for set_ in (before, after)]
    one, other = (table["split"] for table in facts)
    for source, session_id in other.index.difference(one.index):
        yield "session", source, session_id, "-", other[source, session_id]
    for source, session_id in one.index.difference(other.index):
        yield "session", source, session_id, one[source, session_id], "-"
    both = one.index.intersection(other.index)
    for source, session_id in both:
        if one[source, session_id] != other[source, session_id]:
            yield "split", source, session_id, one[source, session_id], other[source, session_id]
    for key in both:
        for name in ("subject", "lab", "insertion_ids"):
            was, now = (str(table.loc[key, name]) for table in facts)
            if was != now:
                yield "fact", *key, f"{name} {was or '-'}", f"{name} {now or '-'}"
    for kind, table, words in (
        ("stretches", "set_ranges", _stretches),
        ("units", "set_units", _units),
        ("windows", "set_windows", _windows),
        ("statistics", "set_statistics", _statistics),
    ):
        first, second = (dict(list(set_.tables[table].groupby(_KEY, sort=False))) for set_ in (before, after))
        for key in both:
            rows = [part[key].reset_index(drop=True) if key in part else None for part in (first, second)]
            if rows[0] is None and rows[1] is None:
                continue
            if rows[0] is None or rows[1] is None or not rows[0].equals(rows[1]):
                yield kind, *key, *words(rows[0], rows[1])
    yield from _versions(before, after, both)


def _stretches(one: pd.DataFrame | None, other: pd.DataFrame | None) -> tuple[str, str]:
    def said(rows: pd.DataFrame | None) -> str:
        if rows is None:
            return "-"
        return "; ".join(f"{row.split} {row.start:.3f} to {row.stop:.3f} s" for row in rows.itertuples())

    return said(one), said(other)


def _units(one: pd.DataFrame | None, other: pd.DataFrame | None) -> tuple[str, str]:
    ids = [set() if rows is None else set(rows["unit_id"]) for rows in (one, other)]
    gone, come = sorted(ids[0] - ids[1]), sorted(ids[1] - ids[0])
    if not gone and not come:
        return f"{len(ids[0])} units", "the same units, of another probe or region"
    return f"{len(ids[0])} units" + _named("gone", gone), f"{len(ids[1])} units" + _named("new", come)


def _named(word: str, ids: list[str]) -> str:
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return f", {word} {', '.join(ids[:3])}{more}" if ids else ""


def _windows(one: pd.DataFrame | None, other: pd.DataFrame | None) -> tuple[str, str]:
    def said(rows: pd.DataFrame | None) -> str:
        if rows is None:
            return "-"
        return "; ".join(f"{row.preset} {row.split} {row.n_windows}" for row in rows.itertuples())

    return said(one), said(other)


def _statistics(one: pd.DataFrame | None, other: pd.DataFrame | None) -> tuple[str, str]:
    def said(rows: pd.DataFrame | None) -> str:
        if rows is None:
            return "-"
        of_each = rows.groupby("preset", sort=False)["mean"].agg(["size", "mean"])
        return "; ".join(f"{name} {n} units, mean {mean:.6g} a bin" for name, n, mean in of_each.itertuples())

    return said(one), said(other)


def _vectors(before: TrainingSet, after: TrainingSet) -> Iterator[tuple[str, ...]]:
    names = [schema.name for schema in VECTOR_TABLES]
    one, other = ([set_.tables.get(name) for name in names] for set_ in (before, after))
    alike = all((a is None) == (b is None) and (a is None or a.equals(b)) for a, b in zip(one, other))
    if not alike:
        yield "vectors", "", "", _fit_said(before), _fit_said(after)


def _fit_said(made: TrainingSet) -> str:
    entries, fitted = made.tables.get("set_vectors"), made.tables.get("set_fitted")
    if entries is None or fitted is None:
        return "-"
    of_session = fitted.drop_duplicates(["source", "session_id"])
    return f"{len(entries)} entries, fitted on {int(of_session['n_units'].sum())} units of {len(of_session)} sessions"


def _images(before: TrainingSet, after: TrainingSet) -> Iterator[tuple[str, ...]]:
    columns = ["source", "image_set", "embedding"]
    one, other = (made.images.set_index(columns)["key"] for made in (before, after))
    for key in one.index.union(other.index):
        if one.get(key) != other.get(key):
            name = "/".join(key[1:])
            was, now = (f"{name} {part[key][:16]}" if key in part else "-" for part in (one, other))
            yield "images", key[0], "", was, now


def _versions(before: TrainingSet, after: TrainingSet, both: pd.Index) -> Iterator[tuple[str, ...]]:
    columns = [*_KEY, "asset"]
    one, other = (set_.tables["set_versions"].set_index(columns)["data_version"] for set_ in (before, after))
    kept = set(both)
    for key in one.index.union(other.index):
        if key[:2] in kept and one.get(key) != other.get(key):
            was, now = (str(part.get(key, "-"))[:16] for part in (one, other))
            yield "version", key[0], key[1], f"{key[2]} {was}", f"{key[2]} {now}"
