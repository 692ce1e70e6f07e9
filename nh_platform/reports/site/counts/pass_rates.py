"""Pass rates of a release by lab, region, probe and time: shares over units, and how far sessions lie apart.

Contains the grouping of judged units. Add here another way to divide a release. What is an outlier is `outliers.py`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.site.counts.judged_units import FAILS, NOT_COUNTED, PASSES, outcome_column

UNKNOWN = "not stated"
"""Name of the group of what has no lab, region, probe or day."""

GROUPS = ("lab", "region", "probe", "month")
"""What the site divides a release by: columns of the located units."""


def located(units: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Return judged units with the ``lab``, ``subject``, ``date`` and ``month`` (``YYYY-MM``) of their session."""
    facts = sessions.drop_duplicates("session_id").set_index("session_id")[["lab", "subject", "date"]]
    joined = units.join(facts, on="session_id")
    for name in ("lab", "subject", "date"):
        texts = joined[name].astype(object)
        joined[name] = texts.where(texts.notna() & (texts != ""), UNKNOWN)
    dated = joined["date"].str.fullmatch(r"\d{4}-\d{2}-\d{2}")
    joined["month"] = joined["date"].str[:7].where(dated, UNKNOWN)
    joined["region"] = joined["region"].replace("unknown", UNKNOWN)
    joined["probe"] = joined["probe"].replace("", UNKNOWN)
    return joined


def pass_rates(units: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return how many units are good in each group.

    Parameters
    ----------
    units
        As of `located`.
    by
        One of `GROUPS`.

    Returns
    -------
    pandas.DataFrame
        One row per group, sorted by name: ``group``, ``sessions``, ``units``, ``good`` (counts), ``share`` (good units
        of all, 0 to 1), and ``low``, ``middle``, ``high``: the quartiles of the shares of its sessions, since units of
        one session are alike and a spread over units would be too small.
    """
    names = ["group", "sessions", "units", "good", "share", "low", "middle", "high"]
    if not len(units):
        return pd.DataFrame(columns=names)
    per_session = units.groupby([by, "session_id"], sort=True)["good"].agg(["size", "sum"])
    per_session["share"] = per_session["sum"] / per_session["size"]
    groups = per_session.groupby(level=0, sort=True)
    table = groups.agg(sessions=("size", "count"), units=("size", "sum"), good=("sum", "sum"))
    table["share"] = table["good"] / table["units"]
    for name, quantile in (("low", 0.25), ("middle", 0.5), ("high", 0.75)):
        table[name] = groups["share"].quantile(quantile)
    return table.rename_axis("group").reset_index()[names]


def rule_rates(units: pd.DataFrame, rulebook: Rulebook, by: str) -> pd.DataFrame:
    """Return how many units of each group pass each rule in force.

    Returns
    -------
    pandas.DataFrame
        One row per group and rule: ``by``, ``group``, ``rule``, ``units``, ``passing``, ``failing``, ``without_value``,
        ``share`` (of those counted; NaN where none is).
    """
    parts = []
    for rule in rulebook.rules:
        outcome = units[outcome_column(rulebook, rule.id)]
        counts = pd.DataFrame(
            {
                "group": units[by],
                "units": 1,
                "passing": outcome == PASSES,
                "failing": outcome == FAILS,
                "without_value": units[f"missing.{rule.id}"],
                "not_counted": outcome == NOT_COUNTED,
            }
        )
        table = counts.groupby("group", sort=True).sum().astype("int64").reset_index()
        table.insert(0, "rule", rule.id)
        parts.append(table)
    names = ["by", "group", "rule", "units", "passing", "failing", "without_value", "share"]
    if not parts:
        return pd.DataFrame(columns=names)
    rates = pd.concat(parts, ignore_index=True)
    counted = rates["passing"] + rates["failing"]
    rates["share"] = rates["passing"] / counted.where(counted > 0)
    rates.insert(0, "by", by)
    return rates[names]


def all_rule_rates(units: pd.DataFrame, rulebook: Rulebook) -> pd.DataFrame:
    """Return `rule_rates` of the whole release (``by`` is ``release``) and of every way to divide it."""
    whole = units.assign(release="all")
    return pd.concat([rule_rates(whole, rulebook, by) for by in ("release", *GROUPS)], ignore_index=True)


def per_insertion(units: pd.DataFrame, rulebook: Rulebook) -> pd.DataFrame:
    """Return the numbers by which insertions are compared with each other.

    Returns
    -------
    pandas.DataFrame
        One row per insertion, sorted: ``session_id``, ``probe``, ``units``, ``share`` (good units of all),
        ``share.<rule>`` (units that pass, of those counted) and ``median.<rule>`` (of the rule's values).
    """
    keys = ["session_id", "probe"]
    grouped = units.groupby(keys, sort=True)
    table = grouped["good"].agg(["size", "mean"]).rename(columns={"size": "units", "mean": "share"})
    for rule in rulebook.rules:
        outcome = units[outcome_column(rulebook, rule.id)]
        passing = pd.Series(np.where(outcome == NOT_COUNTED, np.nan, outcome == PASSES), index=units.index, dtype=float)
        table[f"share.{rule.id}"] = passing.groupby([units[key] for key in keys], sort=True).mean()
        table[f"median.{rule.id}"] = grouped[f"value.{rule.id}"].median()
    return table.reset_index()
