"""The units of many sessions as one table.

Contains where they are stored and how they are read together. Add here what is read across sessions. What one session
offers is `nh_platform.reading.session_view`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.session.tables.across_sessions.catalogs import UNIT_CATALOG
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import column_names, read_table
from nh_platform.store.replaced_meanwhile import read_current


def stored_units(store: Store, source: str, session_ids: Iterable[str]) -> list[tuple[str, Path]]:
    """Return session id and file of the ``units`` of every session that has them, in the order of the ids."""
    found = ((session_id, store.current(source, session_id, "units")) for session_id in session_ids)
    return [(session_id, folder / "units.parquet") for session_id, folder in found if folder is not None]


def read_stored_units(
    store: Store, source: str, session_ids: Iterable[str], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the units of some sessions as `read_all_units` does, read anew where some were replaced meanwhile."""
    named = list(session_ids)
    return read_current(lambda: stored_units(store, source, named), lambda parts: read_all_units(parts, columns))


def read_all_units(parts: Sequence[tuple[str, Path]], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read the units of many sessions as one table, schema `UNIT_CATALOG`.

    Parameters
    ----------
    parts
        Session id and file, as `stored_units` returns them.
    columns
        Columns to read beside ``session_id``; all where not stated. A column that only some sessions have is null in
        the others.

    Returns
    -------
    pandas.DataFrame
        One row per unit, sessions in the order given.

    Raises
    ------
    ConfigError
        If no session has a column; the text lists those that begin alike.
    """
    if not parts:
        return UNIT_CATALOG.empty()
    present = {path: column_names(path) for _, path in parts}
    known = dict.fromkeys(name for names in present.values() for name in names)
    for name in columns or ():
        if name not in known and name != "session_id":
            alike = [each for each in known if each.split(".")[0] == name.split(".")[0]] or list(known)
            raise ConfigError(f"column {name!r}", "no session's units have it", f"Use one of: {', '.join(alike)}.")
    wanted = [name for name in (columns or known) if name != "session_id"]
    tables = []
    for session_id, path in parts:
        table = read_table(path, [name for name in wanted if name in present[path]])
        table.insert(0, "session_id", session_id)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)[["session_id", *wanted]]
