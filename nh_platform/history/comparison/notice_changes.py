"""Changes in the notices that upstream publishes: published, edited, withdrawn.

Add here what is told of a notice. What a notice states is schema `NOTICES`; nothing runs because of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from nh_platform.history.comparison.changes import Change, ChangeKind
from nh_platform.session.tables.catalogue.releases import NOTICES

_FACTS = [name for name in NOTICES.names if name != "notice_id"]


def compare_notices(old: pd.DataFrame, new: pd.DataFrame, files: pd.DataFrame) -> list[Change]:
    """Compare the notices of two manifests.

    Parameters
    ----------
    old, new
        Schema `NOTICES`.
    files
        Schema `FILES` of the later manifest, by which the datasets of a notice are counted in sessions.

    Returns
    -------
    list of Change
        In the order of kind and notice; one line for each notice.
    """
    before, after = _by_id(old), _by_id(new)
    # A snapshot of before a column was kept does not say what it held.
    compared = [name for name in _FACTS if name in ("date", "text") or old[name].notna().any()]
    changes = []
    for notice_id in sorted(set(after) - set(before)):
        changes.append(Change(ChangeKind.NOTICE_PUBLISHED, notice_in_words(after[notice_id], files)))
    for notice_id in sorted(set(after) & set(before)):
        steps = list(_steps(before[notice_id], after[notice_id], compared))
        if steps:
            what = f"{notice_in_words(after[notice_id], files)}: {'; '.join(steps)}"
            texts = before[notice_id]["text"], after[notice_id]["text"]
            changes.append(Change(ChangeKind.NOTICE_EDITED, what, before=texts[0], after=texts[1]))
    for notice_id in sorted(set(before) - set(after)):
        changes.append(Change(ChangeKind.NOTICE_WITHDRAWN, notice_in_words(before[notice_id], files)))
    return changes


def notice_in_words(notice: dict[str, Any], files: pd.DataFrame) -> str:
    """Return a notice on one line: how important it is, what it says, and how many datasets it concerns.

    Parameters
    ----------
    notice
        One row of schema `NOTICES`.
    files
        Schema `FILES`.
    """
    title, importance = (notice[name] or None for name in ("title", "importance"))
    text = ": ".join(" ".join(part.split()) for part in (importance, title, notice["text"]) if part)
    if not notice["datasets"]:
        return text
    datasets = set(notice["datasets"].split(","))
    n_sessions = files.loc[files["dataset_id"].isin(datasets), "session_id"].nunique()
    return f"{text} ({_counted(len(datasets), 'dataset')}, {_counted(n_sessions, 'listed session')})"


def _steps(before: dict[str, Any], after: dict[str, Any], compared: list[str]) -> Iterator[str]:
    for name in compared:
        if before[name] == after[name]:
            continue
        if name == "datasets":
            first, second = (set((row[name] or "").split(",")) - {""} for row in (before, after))
            yield f"datasets +{len(second - first)} −{len(first - second)}"
        elif name == "text":
            yield "another text"
        else:
            yield f"{name.replace('_', ' ')} {before[name] or 'none'} → {after[name] or 'none'}"


def _by_id(notices: pd.DataFrame) -> dict[str, dict[str, Any]]:
    stated = notices.astype(object).where(notices.notna(), None)
    return {str(row["notice_id"]): row for row in stated.to_dict("records")}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
