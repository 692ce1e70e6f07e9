"""How a sample of a release's units fires, read from the store: what the map over all sessions is drawn of.

Contains the choice of the sample and its reading. All units of a large release would take the whole site's budget, and
make a blot of the map. How the map is drawn is `nh_platform.reports.site.pages.unit_map`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nh_platform.session import NhError
from nh_platform.session.display import counted
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import read_table

MOST_UNITS = 4000
"""Units of the sample: two maps of them take 90 kB of the index."""

NOT_MADE = "No session of the release has unit embeddings here; `nh materialize {source} --missing` makes them."


@dataclass(frozen=True)
class SampledUnits:
    """Units of a release that stand for all.

    Parameters
    ----------
    table
        ``session_id`` and the columns of schema `UNIT_EMBEDDINGS`; None where ``lacking`` says why there are none.
    said
        What the sample is of: units, sessions and reference windows, in words.
    notes
        Sessions whose embeddings could not be read.
    """

    table: pd.DataFrame | None = None
    said: str = ""
    lacking: str = ""
    notes: Sequence[str] = field(default=())


def sampled_units(store: Store, source: str, units: pd.DataFrame, most: int = MOST_UNITS) -> SampledUnits:
    """Read the embeddings of units of a release, drawn evenly from those of all sessions that have some.

    Parameters
    ----------
    store, source
        Where they are.
    units
        Units that count, with ``session_id`` and ``unit_id``.
    most
        Units to draw; all where there are fewer. A hash of their ids decides, so that a session more changes few.

    Returns
    -------
    SampledUnits
        A session whose embeddings are damaged or cannot be read is noted and left out.
    """
    made, notes, windows = [], [], Counter[str]()
    for session_id in units["session_id"].unique():
        try:
            record = store.provenance(source, session_id, UNIT_EMBEDDINGS.name)
        except NhError as error:
            notes.append(_unread(session_id, error))
            continue
        if record is not None:
            made.append(session_id)
            windows[str(record.parameters.get("reference_window", "not stated"))] += 1
    described = units.loc[units["session_id"].isin(made), ["session_id", "unit_id"]]
    if not len(described):
        return SampledUnits(lacking=NOT_MADE.format(source=source), notes=notes)
    parts = []
    for session_id, drawn in _drawn(described, most).groupby("session_id", sort=True):
        folder = store.current(source, str(session_id), UNIT_EMBEDDINGS.name)
        try:
            if folder is not None:
                table = read_table(folder / f"{UNIT_EMBEDDINGS.name}.parquet")
                table = table[table["unit_id"].astype(str).isin(set(drawn["unit_id"]))]
                parts.append(table.assign(session_id=session_id))
        except NhError as error:
            notes.append(_unread(str(session_id), error))
    if not parts:
        return SampledUnits(lacking=NOT_MADE.format(source=source), notes=notes)
    table = pd.concat(parts, ignore_index=True)
    return SampledUnits(table, _said(table, units, windows), notes=notes)


def _drawn(units: pd.DataFrame, most: int) -> pd.DataFrame:
    if len(units) <= most:
        return units
    names = units["session_id"].astype(str) + "/" + units["unit_id"].astype(str)
    order = np.argsort(pd.util.hash_pandas_object(names, index=False).to_numpy(), kind="stable")
    return units.iloc[np.sort(order[:most])]


def _said(table: pd.DataFrame, units: pd.DataFrame, windows: Counter[str]) -> str:
    n_sessions = units["session_id"].nunique()
    of_all = f"{len(units):,} units" if len(units) != 1 else "1 unit"
    which = f"A sample of {len(table):,} of {of_all}" if len(table) < len(units) else f"All {of_all}"
    without = n_sessions - windows.total()
    rest = f", {without:,} of which without embeddings" if without else ""
    named = [f"{name} ({counted(n, 'session')})" for name, n in sorted(windows.items())]
    stated = ", ".join(windows) if len(windows) == 1 else ", ".join(named)
    text = f"{which} in {counted(n_sessions, 'session')}{rest}"
    return f"{text}. Reference window{'s' if len(windows) > 1 else ''}: {stated}."


def _unread(session_id: str, error: NhError) -> str:
    return f"session {session_id}: its units are not in the map, since their embeddings cannot be read: {error}"
