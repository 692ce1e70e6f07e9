"""Changes in the tables of a whole release: added, withdrawn, other content, and rows and columns that came or went.

Add here what is told of a table. Which tables a release has is stated by its source; no session is made of them, so
that nothing runs because of a change here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from nh_platform.history.comparison.changes import Change, ChangeKind, listed


def compare_tables(old: pd.DataFrame, new: pd.DataFrame) -> list[Change]:
    """Compare the tables of two releases, by content.

    Parameters
    ----------
    old, new
        Schema `RELEASE_TABLES`. One without any says nothing: it was stored before tables were listed.

    Returns
    -------
    list of Change
        By name of the table, one line each.
    """
    if not len(old) or not len(new):
        return []
    before, after = ({str(row["name"]): row for row in table.to_dict("records")} for table in (old, new))
    return list(_changes(before, after))


def _changes(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        first, second = before.get(name), after.get(name)
        if first is None and second is not None:
            yield Change(ChangeKind.TABLE_ADDED, f"{name}{_rows(second)}", n_files=1, after=second["md5"])
        elif second is None and first is not None:
            yield Change(ChangeKind.TABLE_WITHDRAWN, f"{name}{_rows(first)}", n_files=1, before=first["md5"])
        elif first is not None and second is not None and first["md5"] != second["md5"]:
            what = "; ".join([name, *_differences(first, second)])
            yield Change(ChangeKind.TABLE_CHANGED, what, n_files=1, before=first["md5"], after=second["md5"])


def _rows(row: Mapping[str, Any]) -> str:
    return "" if pd.isna(row["rows"]) else f", {row['rows']:.0f} rows"


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of two tables differs in number and columns, where both are at hand."""
    if not (isinstance(first["columns"], str) and isinstance(second["columns"], str)):
        yield "its content (it is not at hand)"
        return
    gained = second["rows"] - first["rows"]
    yield f"{first['rows']:.0f} → {second['rows']:.0f} rows" if gained else f"{first['rows']:.0f} rows, other values"
    columns = first["columns"].split(","), second["columns"].split(",")
    for here, there, word in ((columns[1], columns[0], "new"), (columns[0], columns[1], "no more")):
        if others := [name for name in here if name not in there]:
            yield f"{word}: {listed(others)}"
