"""Changes in what upstream states of kept sessions and insertions: QC, alignment, and facts that nothing reads.

Add a fact here when the manifest gains one. Files are compared in `file_changes`, what is listed in `release_diff`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd

from nh_platform.history.comparison.changes import NAMES_SHOWN, Change, ChangeKind

_SESSION_QC = ("qc", "extended_qc")
_INSERTION_FACTS = {
    "qc": ChangeKind.QC_CHANGED,
    "alignment_resolved": ChangeKind.ALIGNMENT_CHANGED,
    "alignment_stored": ChangeKind.ALIGNMENT_CHANGED,
    "probe": ChangeKind.FACTS_CHANGED,
}
_GROUPS = {ChangeKind.QC_CHANGED: "qc", ChangeKind.ALIGNMENT_CHANGED: "alignment"}


def compare_facts(
    sessions: tuple[pd.DataFrame, pd.DataFrame], insertions: tuple[pd.DataFrame, pd.DataFrame], kept: set[str]
) -> list[Change]:
    """Compare what is stated of sessions and insertions.

    Parameters
    ----------
    sessions, insertions
        Schemas `SESSIONS` and `INSERTIONS`, before and after; the same insertion has the same id in both.
    kept
        Ids of the sessions that both list.

    Returns
    -------
    list of Change
        In the order of session, probe and kind; one line for each fact.
    """
    changes = [*_session_facts(*sessions, kept), *_insertion_facts(*insertions)]
    return sorted(changes, key=lambda change: (change.session_id, change.probe, change.kind, change.what))


def _session_facts(old: pd.DataFrame, new: pd.DataFrame, kept: set[str]) -> list[Change]:
    facts = [name for name in new.columns if name != "session_id"]
    changes = []
    for session_id, name, before, after in _differences(old, new, "session_id", facts):
        if session_id not in kept or (name == "projects" and _names(before) == _names(after)):
            continue
        kind = ChangeKind.QC_CHANGED if name in _SESSION_QC else ChangeKind.FACTS_CHANGED
        step = _extended_step(before, after) if name == "extended_qc" else f"{_said(before)} → {_said(after)}"
        what = f"session {_called(name)}: {step}"
        group = _GROUPS.get(kind, "")
        changes.append(Change(kind, what, session_id=session_id, group=group, before=_text(before), after=_text(after)))
    return changes


def _names(joined: str | None) -> set[str]:
    """Return comma-joined names; snapshots from before they were sorted have them in any order."""
    return set((joined or "").split(","))


def _insertion_facts(old: pd.DataFrame, new: pd.DataFrame) -> list[Change]:
    where = new.set_index("insertion_id")[["session_id", "probe"]].to_dict("index")
    columns = list(_INSERTION_FACTS)
    changes = []
    for insertion_id, name, before, after in _differences(old, new, "insertion_id", columns):
        kind = _INSERTION_FACTS[name]
        what = f"insertion {_called(name)}: {_said(before)} → {_said(after)}"
        place: dict[str, Any] = where[insertion_id]
        change = Change(kind, what, insertion_id=insertion_id, group=_GROUPS.get(kind, ""), **place)
        changes.append(replace(change, before=_text(before), after=_text(after)))
    return changes


def _differences(old: pd.DataFrame, new: pd.DataFrame, key: str, columns: list[str]) -> list[tuple[str, str, Any, Any]]:
    """Return (key, column, before, after) of every differing value of rows that both tables have."""
    left, right = (table.drop_duplicates(key).set_index(key)[columns].astype(object) for table in (old, new))
    ids = left.index.intersection(right.index, sort=True)
    left, right = left.loc[ids].where(left.loc[ids].notna(), None), right.loc[ids].where(right.loc[ids].notna(), None)
    found = []
    for name in columns:
        before, after = left[name].to_numpy(), right[name].to_numpy()
        found += [(str(ids[i]), name, before[i], after[i]) for i in (before != after).nonzero()[0]]
    return found


def _extended_step(before: str | None, after: str | None) -> str:
    """Return which of the checks of an extended QC, which is one text with all of them, differ."""
    old, new = (json.loads(text) if text else {} for text in (before, after))
    differing = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    steps = [f"{name} {_said(old.get(name))} → {_said(new.get(name))}" for name in differing[:NAMES_SHOWN]]
    more = len(differing) - NAMES_SHOWN
    return "; ".join(steps) + (f" and {more} more" if more > 0 else "")


def _called(name: str) -> str:
    return name.replace("_", " ").replace("qc", "QC")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _said(value: Any) -> str:
    return "none" if value is None or value == "" else str(value)
