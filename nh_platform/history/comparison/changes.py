"""The kinds of change that a release brings, in words, and one change as a line.

Add a kind here when a release can bring it. How a change is found is `file_changes` and `release_diff`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import pandas as pd

from nh_platform.session.tables.catalogue.releases import RELEASE_CHANGES

NAMES_SHOWN = 4
"""File names that a line lists before it only counts."""


class ChangeKind(StrEnum):
    """Kind of a change that a release brings, in the users' words."""

    SELECTION_CHANGED = "selection changed"
    SESSION_ADDED = "session added"
    SESSION_RETURNED = "session returned"
    SESSION_WITHDRAWN = "session withdrawn"
    INSERTION_ADDED = "insertion added"
    INSERTION_RETURNED = "insertion returned"
    INSERTION_REMOVED = "insertion removed"
    RESORTED = "re-sorted"
    NEW_REVISION = "new revision"
    PATCHED = "patched in place"
    FILES_ADDED = "files added"
    FILES_WITHDRAWN = "files withdrawn"
    ALIGNMENT_CHANGED = "alignment changed"
    QC_CHANGED = "QC changed"
    TAG_CHANGED = "tag changed"
    FACTS_CHANGED = "session facts changed"
    LEFT_OUT_CHANGED = "left-out sessions changed"
    TABLE_ADDED = "table added"
    TABLE_CHANGED = "table changed"
    TABLE_WITHDRAWN = "table withdrawn"
    CATALOGUE_ONLY = "catalogue entry changed"
    NOTICE_PUBLISHED = "notice published"
    NOTICE_EDITED = "notice edited"
    NOTICE_WITHDRAWN = "notice withdrawn"


@dataclass(frozen=True)
class Change:
    """One line of a release diff; the columns of schema `RELEASE_CHANGES`."""

    kind: ChangeKind
    what: str
    session_id: str = ""
    probe: str = ""
    insertion_id: str | None = None
    group: str = ""
    n_files: int = 0
    before: str | None = None
    after: str | None = None


def listed(names: Iterable[str]) -> str:
    """Return the first few of some names in words, and how many more there are."""
    ordered = sorted(set(names))
    more = len(ordered) - NAMES_SHOWN
    return ", ".join(ordered[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def changes_table(changes: Sequence[Change]) -> pd.DataFrame:
    """Return changes as a table of schema `RELEASE_CHANGES`, in the order given."""
    if not changes:
        return RELEASE_CHANGES.empty()
    rows = [{**asdict(change), "kind": change.kind.value} for change in changes]
    return RELEASE_CHANGES.conform(pd.DataFrame(rows))
