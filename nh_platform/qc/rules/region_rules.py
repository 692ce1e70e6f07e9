"""Regions that are used across sessions: those with enough good units in enough sessions.

Contains the region rules of a rulebook, on one table of units of many sessions. Add here a criterion about regions.
What makes a unit good is decided before, by a rulebook's unit rules; sessions and trials are `session_rules`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.rules.rulebook_model import RegionRules

COLUMNS = ("region", "sessions", "units", "kept", "why_not", "sessions_with_units", "good_units")
"""Columns of the table that `region_table` returns."""


def region_table(
    session: pd.Series, region: pd.Series, good: npt.NDArray[np.bool_] | pd.Series, rules: RegionRules
) -> pd.DataFrame:
    """Return one row per region: whether the rules keep it, what they keep of it, and why not.

    Parameters
    ----------
    session, region
        (n_units,) session id and region acronym of every unit; a null region is dropped.
    good
        (n_units,) bool, the units that count, normally a rulebook's good units.
    rules
        The region rules; a (region, session) pair needs ``min_units`` good units, and a region ``min_sessions`` such
        pairs. Units of a pair below ``min_units`` are dropped although their region may be kept, as in
        `filter_units_region` of paper-brain-wide-map.

    Returns
    -------
    DataFrame
        Sorted by region. ``sessions`` and ``units`` are what counts: sessions with at least ``min_units`` good units in
        the region, and the good units of these; ``kept``; ``why_not`` in words, empty where kept;
        ``sessions_with_units`` and ``good_units`` are before any of it.
    """
    table = _units(session, region, good)
    used = table[table["good"]]
    pairs = used.groupby(["region", "session"]).size().rename("units").reset_index()
    rows = []
    for name, of_region in pairs.groupby("region", sort=True):
        enough = of_region[of_region["units"] >= rules.min_units]
        n_sessions, n_units = len(enough), int(enough["units"].sum())
        why_not = ""
        if name in rules.drop:
            why_not = "left out by the rules"
        elif n_sessions < rules.min_sessions:
            why_not = (
                f"{n_sessions} of the {rules.min_sessions} sessions needed with at least {rules.min_units} good units"
            )
        rows.append((name, n_sessions, n_units, not why_not, why_not, len(of_region), int(of_region["units"].sum())))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"kept": bool})


def _units(session: pd.Series, region: pd.Series, good: npt.NDArray[np.bool_] | pd.Series) -> pd.DataFrame:
    """Return the units with an index from 0; a unit without a region is not good."""
    table = pd.DataFrame({"session": np.asarray(session, dtype=object), "region": np.asarray(region, dtype=object)})
    table["good"] = np.asarray(good, dtype=bool) & table["region"].notna().to_numpy()
    return table
