"""The vectors of units of a training set: fitted on the sessions that train, and on nothing else.

Contains the choice of what is fitted on, and what a set says of its vectors. The fit is
`nh_platform.embeddings.unit_vectors`; that nothing which is tested was in it is proven by `auditing`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from nh_platform.embeddings.unit_vectors import VectorFit, fit_vectors, silent_units
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform.session.tables.across_sessions.unit_vectors import SET_FITTED
from nh_platform.training_sets.division import DIVIDED
from nh_platform.windows.splits.by_subject import TRAIN


def fitted_vectors(
    platform: Platform, sessions: pd.DataFrame, units: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Return the tables `VECTOR_TABLES` of a set, and notes of histograms that units lack.

    Parameters
    ----------
    platform
        The platform.
    sessions
        Schema `SET_SESSIONS`: those that train, and those that are divided in time, of which nothing is tested that the
        embeddings describe.
    units
        Schema `SET_UNITS`; only these are fitted on.

    Raises
    ------
    ConfigError
        If every unit that trains is silent in its reference window, so that there is nothing to fit.
    """
    of_session = dict(list(units.groupby(["source", "session_id"], sort=False)))
    tables, rows = [], []
    windows: dict[str, str] = {}
    for row in sessions[sessions["split"].isin((TRAIN, DIVIDED))].sort_values(["source", "session_id"]).itertuples():
        view = SessionView(platform.store, row.source, row.session_id)
        table, window = view.embeddings, view.embeddings_window
        table = table[table["unit_id"].isin(set(of_session[row.source, row.session_id]["unit_id"]))]
        tables.append(table)
        windows[row.source] = window.id
        n_units = int((~silent_units(table)).sum())
        stretches = window.stretches.tolist() or [(window.start, window.stop)]
        rows += [(row.source, row.session_id, start, stop, n_units) for start, stop in stretches]
    fit: VectorFit = fit_vectors(tables)
    if tables and not len(fit.entries):
        n, names = sum(map(len, tables)), " and ".join(dict.fromkeys(windows.values()))
        found = f"none of {n} fired enough in the reference window {names} to be described"
        action = "Let `reference_window` in sources.yaml be another one, and run `nh materialize SOURCE --missing`."
        raise ConfigError(f"units of {' and '.join(windows)} that train", found, action)
    fitted = SET_FITTED.conform(pd.DataFrame(rows, columns=SET_FITTED.names)) if rows else SET_FITTED.empty()
    return {"set_vectors": fit.entries, "set_loadings": fit.loadings, "set_fitted": fitted}, fit.notes


def described_vectors(platform: Platform, sessions: pd.DataFrame, units: pd.DataFrame) -> dict[str, Any]:
    """Return what a set says of the embeddings that its vectors are made of.

    Parameters
    ----------
    platform
        The platform.
    sessions, units
        Schemas `SET_SESSIONS` and `SET_UNITS`, whatever their split.

    Returns
    -------
    dict
        ``encoders``, each ``name=version``; ``sources``: by source its ``reference_windows`` by name, with the number
        of sessions, ``n_units`` and of these ``n_silent``.
    """
    of_session = dict(list(units.groupby(["source", "session_id"], sort=False)))
    encoders: dict[str, None] = {}
    found: dict[str, dict[str, Any]] = {}
    for row in sessions.itertuples():
        view = SessionView(platform.store, row.source, row.session_id)
        table = view.embeddings
        table = table[table["unit_id"].isin(set(of_session[row.source, row.session_id]["unit_id"]))]
        encoders |= dict.fromkeys(view.provenance("unit_embeddings").parameters.get("features", "").split(";"))
        about = found.setdefault(row.source, {"reference_windows": {}, "n_units": 0, "n_silent": 0})
        window = view.embeddings_window.id
        about["reference_windows"][window] = about["reference_windows"].get(window, 0) + 1
        about["n_units"] += len(table)
        about["n_silent"] += int(silent_units(table).sum())
    return {"encoders": [one for one in encoders if one], "sources": found}
