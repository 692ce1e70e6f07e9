"""Effect of a change of rules: units that come in and go out, one by one and by session, region and rule.

Contains the comparison of two rulebooks on one table of units. Add here another view of that difference. Published
counts against ours are `reconcile.py`; nothing is read or printed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.qc.rules.rulebook_model import Rulebook, ValueSource
from nh_platform.qc.rules.verdicts import BoolArray, Verdicts, apply_rulebook
from nh_platform.qc.units_file import region_of, session_of, unit_names

PASSES = "passes"
"""Stands in the place of a reason where the unit is good."""


@dataclass(frozen=True)
class RulebookDiff:
    """The difference that a new rulebook makes to a table of units.

    Parameters
    ----------
    old, new
        Verdicts of both.
    came_in, went_out
        (n_units,) bool: not good before and good now, and the reverse.
    by_session, by_region
        One row per session or region with a change: ``old``, ``new`` (good units), ``in``, ``out``; most changes first.
    by_rule
        One row per rule and direction: ``rulebook``, ``rule``, ``change`` (``out``: rules of the new rulebook that
        fail units it drops; ``in``: rules of the old one that failed units now kept), ``units``, and ``alone``: units
        for which it is the only such rule.
    units
        One row per unit whose verdict changed, in the order of the table and with its index: ``session``, ``region``,
        ``unit`` (how to name it), ``change`` (``in`` or ``out``), and ``old`` and ``new``: why it fails, in words, or
        `PASSES`.
    """

    old: Verdicts
    new: Verdicts
    came_in: BoolArray
    went_out: BoolArray
    by_session: pd.DataFrame
    by_region: pd.DataFrame
    by_rule: pd.DataFrame
    units: pd.DataFrame

    @property
    def n_units(self) -> int:
        """Units compared."""
        return len(self.came_in)

    @property
    def n_changed(self) -> int:
        """Units whose verdict differs."""
        return int(self.came_in.sum() + self.went_out.sum())


def diff_rulebooks(
    units: pd.DataFrame,
    old: Rulebook,
    new: Rulebook,
    *,
    value_source: ValueSource | None = None,
    session: pd.Series | None = None,
    region: pd.Series | None = None,
) -> RulebookDiff:
    """Apply two rulebooks to the same units and compare which units are good.

    Parameters
    ----------
    units
        One row per unit, as for `apply_rulebook`.
    old, new
        The rulebooks.
    value_source
        As for `apply_rulebook`, for both.
    session, region
        (n_units,) how to group; found in the table where None.

    Raises
    ------
    ConfigError
        If the table lacks a column that either rulebook reads.
    """
    before = apply_rulebook(units, old, value_source=value_source)
    after = apply_rulebook(units, new, value_source=value_source)
    came_in, went_out = after.good & ~before.good, before.good & ~after.good
    table = pd.DataFrame(
        {
            "session": (session_of(units) if session is None else session).to_numpy(),
            "region": (region_of(units) if region is None else region).to_numpy(),
            "old": before.good,
            "new": after.good,
            "in": came_in,
            "out": went_out,
        }
    )
    return RulebookDiff(
        old=before,
        new=after,
        came_in=came_in,
        went_out=went_out,
        by_session=_grouped(table, "session"),
        by_region=_grouped(table, "region"),
        by_rule=pd.concat([_by_rule(after, went_out, "out"), _by_rule(before, came_in, "in")], ignore_index=True),
        units=_changed(units, table, old, new, value_source),
    )


def _changed(
    units: pd.DataFrame, table: pd.DataFrame, old: Rulebook, new: Rulebook, value_source: ValueSource | None
) -> pd.DataFrame:
    """Return the units whose verdict changed; words are made for them alone, a second for 137,354 units."""
    rows = table["in"].to_numpy() | table["out"].to_numpy()
    chosen = units[rows]
    words = [apply_rulebook(chosen, book, value_source=value_source).reasons() for book in (old, new)]
    return pd.DataFrame(
        {
            "session": table["session"].to_numpy()[rows],
            "region": table["region"].to_numpy()[rows],
            "unit": np.array(unit_names(units), dtype=object)[rows],
            "change": np.where(table["in"][rows], "in", "out"),
            **{name: [text or PASSES for text in texts] for name, texts in zip(("old", "new"), words)},
        },
        index=chosen.index,
    )


def _grouped(table: pd.DataFrame, by: str) -> pd.DataFrame:
    counts = table.groupby(by, sort=True)[["old", "new", "in", "out"]].sum().astype(int).reset_index()
    counts["changed"] = counts["in"] + counts["out"]
    counts = counts[counts["changed"] > 0]
    return counts.sort_values(["changed", by], ascending=[False, True], kind="stable").reset_index(drop=True)


def _by_rule(verdicts: Verdicts, rows: BoolArray, change: str) -> pd.DataFrame:
    failing = (verdicts.counted & ~verdicts.passed)[rows]
    only = failing.sum(axis=1) == 1
    return pd.DataFrame(
        {
            "rulebook": verdicts.rulebook.id,
            "rule": [rule.id for rule in verdicts.rulebook.rules],
            "change": change,
            "units": failing.sum(axis=0).astype(np.int64),
            "alone": failing[only].sum(axis=0).astype(np.int64),
        }
    )
