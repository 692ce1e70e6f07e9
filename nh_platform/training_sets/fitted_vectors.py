"""The vectors of units of a training set: fitted on the sessions that train, and on nothing else.

Contains the choice of what is fitted on. The fit is `nh_platform.embeddings.unit_vectors`; that nothing which is tested
was in it is proven by `auditing`.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.embeddings.unit_vectors import VectorFit, fit_vectors, silent_units
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session.tables.across_sessions.unit_vectors import SET_FITTED
from nh_platform.training_sets.division import DIVIDED
from nh_platform.windows.splits.by_subject import TRAIN


def fitted_vectors(platform: Platform, sessions: pd.DataFrame, units: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables `VECTOR_TABLES` of a set.

    Parameters
    ----------
    platform
        The platform.
    sessions
        Schema `SET_SESSIONS`: those that train, and those that are divided in time, of which the embeddings describe a
        reference window in the stretch that trains.
    units
        Schema `SET_UNITS`; only these are fitted on.
    """
    of_session = dict(list(units.groupby(["source", "session_id"], sort=False)))
    tables, rows = [], []
    for row in sessions[sessions["split"].isin((TRAIN, DIVIDED))].sort_values(["source", "session_id"]).itertuples():
        view = SessionView(platform.store, row.source, row.session_id)
        table, window = view.embeddings, view.embeddings_window
        table = table[table["unit_id"].isin(set(of_session[row.source, row.session_id]["unit_id"]))]
        tables.append(table)
        n_units = int((~silent_units(table)).sum())
        rows.append((row.source, row.session_id, window.start, window.stop, n_units))
    fit: VectorFit = fit_vectors(tables)
    fitted = SET_FITTED.conform(pd.DataFrame(rows, columns=SET_FITTED.names)) if rows else SET_FITTED.empty()
    return {"set_vectors": fit.entries, "set_loadings": fit.loadings, "set_fitted": fitted}
