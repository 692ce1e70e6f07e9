"""What is in each split, in numbers: sessions, insertions, subjects, labs, units and regions.

Add here what else a person should see before training on a split.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.windows.splits.by_subject import HELD_OUT, RESERVED, SPLITS


def split_report(rows: pd.DataFrame, units: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one row per split with what it holds, and a row for all.

    Parameters
    ----------
    rows
        As `split_by_subject` returns them, one row per session or insertion.
    units
        ``session_id`` and ``region`` of every unit, where known: adds ``units``, ``regions`` and the share of units.

    Returns
    -------
    pandas.DataFrame
        ``split``, ``subjects``, ``subjects_share``, ``sessions``, ``sessions_share``, ``insertions`` and ``labs`` where
        known; shares are of 1.
    """
    order = [name for name in (*SPLITS, RESERVED, HELD_OUT) if name in set(rows["split"])]
    totals = _counts(rows, units)
    lines = []
    for name in order:
        counts = _counts(rows[rows["split"] == name], units)
        shares = {f"{key}_share": round(counts[key] / max(totals[key], 1), 4) for key in ("subjects", "sessions")}
        lines.append({"split": name, **counts, **shares})
    lines.append({"split": "all", **totals, "subjects_share": 1.0, "sessions_share": 1.0})
    columns = ["split", "subjects", "subjects_share", "sessions", "sessions_share"]
    return pd.DataFrame(lines)[[*columns, *(one for one in totals if one not in columns)]]


def spread_report(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return how the sessions of each value of a column, such as ``lab``, are divided: one row per value."""
    sessions = rows.drop_duplicates("session_id")
    table = pd.crosstab(sessions[by], sessions["split"])
    order = [name for name in (*SPLITS, RESERVED, HELD_OUT) if name in table]
    return table[order].assign(all=table.sum(axis=1)).rename_axis(columns=None).reset_index()


def _counts(rows: pd.DataFrame, units: pd.DataFrame | None) -> dict[str, int]:
    counts = {"subjects": rows["subject"].nunique(), "sessions": rows["session_id"].nunique()}
    if "insertion_id" in rows and (rows["insertion_id"] != "").any():
        counts["insertions"] = rows["insertion_id"].nunique()
    if "lab" in rows and (rows["lab"] != "").any():
        counts["labs"] = rows["lab"].nunique()
    if units is not None:
        own = units[units["session_id"].isin(set(rows["session_id"]))]
        counts |= {"units": len(own), "regions": own["region"].nunique()}
    return {name: int(number) for name, number in counts.items()}
