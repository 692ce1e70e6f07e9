"""Changes since the last release and since the rules before: sessions, files, and units in and out.

Contains how both differences are stated for the site. Add here another difference between two states of a release. Two
manifests are compared by `nh_platform.history.comparison.release_diff`, two rulebooks unit by unit by
`nh_platform.qc.rules.changes.rulebook_diff`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.comparison.release_diff import ReleaseDiff
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.site.counts.judged_units import FAILS, NOT_STATED, outcome_column

_SHOWN_CHANGES = 200


@dataclass(frozen=True)
class ReleaseChanges:
    """What a release changed against the one before.

    Parameters
    ----------
    before, after
        Names of both.
    summary
        Lines that count the changes.
    kinds
        Columns ``kind`` and ``lines``.
    changes
        The first changes, whole sessions first: ``kind``, ``session_id``, ``probe``, ``group``, ``what``.
    n_changes
        Changes in all.
    """

    before: str
    after: str
    summary: tuple[str, ...]
    kinds: pd.DataFrame
    changes: pd.DataFrame
    n_changes: int


@dataclass(frozen=True)
class RulebookEffect:
    """Units that come in and go out by the rules in force, against other rules.

    Parameters
    ----------
    title
        What they are compared with, in words.
    old, new
        Good units by the other rules, and by the rules in force; reviews count in neither.
    came_in, went_out
        Units that the rules in force take in and throw out.
    by_rule
        ``change`` (``in`` or ``out``), ``rulebook``, ``rule``, ``units`` and ``alone``: of units that went out, which
        rule in force fails them, of those that came in, which of the other rules did; the only one, or with others.
    by_lab, by_session
        ``lab`` or ``session_id``, ``old``, ``new``, ``in``, ``out``; those with a change, most first.
    """

    title: str
    old: int
    new: int
    came_in: int
    went_out: int
    by_rule: pd.DataFrame
    by_lab: pd.DataFrame
    by_session: pd.DataFrame


def release_changes(before: str, after: str, diff: ReleaseDiff) -> ReleaseChanges:
    """State the difference between two releases for the site."""
    names = ["kind", "session_id", "probe", "group", "what"]
    table = diff.changes[names].astype(object)
    kinds = pd.DataFrame(list(diff.counts().items()), columns=["kind", "lines"])
    shown = table.where(table.notna(), "").head(_SHOWN_CHANGES)
    return ReleaseChanges(before, after, tuple(diff.summary()), kinds, shown, len(table))


def rulebook_effect(units: pd.DataFrame, rulebook: Rulebook, other: Rulebook) -> RulebookEffect:
    """Compare the rules in force with another rulebook on the same units.

    Parameters
    ----------
    units
        As of `nh_platform.reports.site.counts.pass_rates.located`, judged by both.
    rulebook, other
        The rules in force, and the others.
    """
    old, new = units[f"good.{other.id}"].to_numpy(dtype=bool), units["by_rules"].to_numpy(dtype=bool)
    came_in, went_out = new & ~old, old & ~new
    by_rule = [*_by_rule(units, rulebook, went_out, "out"), *_by_rule(units, other, came_in, "in")]
    return _effect(f"rulebook {other.id}", units, old, new, by_rule)


def stored_effect(units: pd.DataFrame, rulebook: Rulebook) -> RulebookEffect | None:
    """Compare the rules in force with those by which the stored units were judged; None where nothing differs.

    What differs was made before the rules changed, and is judged anew with the next run of its session.
    """
    known = (units["stored"] != NOT_STATED).to_numpy()
    units = units[known]
    old, new = units["stored"].to_numpy() == 1, units["good"].to_numpy(dtype=bool)
    if not (old != new).any():
        return None
    by_rule = _by_rule(units, rulebook, old & ~new, "out")
    return _effect("the rules, or reviews, that counted when the stored units were made", units, old, new, by_rule)


def _effect(
    title: str, units: pd.DataFrame, old: npt.NDArray[np.bool_], new: npt.NDArray[np.bool_], by_rule: Sequence[dict]
) -> RulebookEffect:
    came_in, went_out = new & ~old, old & ~new
    flags = {"old": old, "new": new, "in": came_in, "out": went_out}
    table = pd.DataFrame({"lab": units["lab"].to_numpy(), "session_id": units["session_id"].to_numpy(), **flags})
    columns = ["change", "rulebook", "rule", "units", "alone"]
    return RulebookEffect(
        title=title,
        old=int(old.sum()),
        new=int(new.sum()),
        came_in=int(came_in.sum()),
        went_out=int(went_out.sum()),
        by_rule=pd.DataFrame(list(by_rule), columns=columns),
        by_lab=_grouped(table, "lab"),
        by_session=_grouped(table, "session_id"),
    )


def _by_rule(units: pd.DataFrame, rulebook: Rulebook, rows: npt.NDArray[np.bool_], change: str) -> list[dict]:
    fails = (units[[outcome_column(rulebook, rule.id) for rule in rulebook.rules]] == FAILS).to_numpy()[rows]
    only = fails.sum(axis=1) == 1
    return [
        {
            "change": change,
            "rulebook": rulebook.id,
            "rule": rule.id,
            "units": int(fails[:, number].sum()),
            "alone": int((fails[:, number] & only).sum()),
        }
        for number, rule in enumerate(rulebook.rules)
        if fails[:, number].any()
    ]


def _grouped(table: pd.DataFrame, by: str) -> pd.DataFrame:
    counts = table.groupby(by, sort=True)[["old", "new", "in", "out"]].sum().astype("int64").reset_index()
    counts = counts[(counts["in"] + counts["out"]) > 0]
    order = (counts["in"] + counts["out"]).sort_values(ascending=False, kind="stable").index
    return counts.loc[order].reset_index(drop=True)
