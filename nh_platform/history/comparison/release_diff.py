"""The difference between two states of a source, in the users' words and as what has to run again.

Contains the diff of two manifests. Add a comparison here when the manifest gains a table; files are compared in
`file_changes`, facts in `fact_changes`, notices in `notice_changes`, tables in `table_changes`. Nothing here talks to
upstream, and which assets a group feeds is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from nh_platform.history.comparison.changes import Change, ChangeKind, changes_table
from nh_platform.history.comparison.fact_changes import compare_facts
from nh_platform.history.comparison.file_changes import compare_files
from nh_platform.history.comparison.notice_changes import compare_notices
from nh_platform.history.comparison.table_changes import compare_tables
from nh_platform.history.identity import group_versions
from nh_platform.history.insertion_ids import with_shared_ids
from nh_platform.history.manifest import Manifest
from nh_platform.session.tables.catalogue.manifest import INSERTIONS

TABLE_KINDS = (ChangeKind.TABLE_ADDED, ChangeKind.TABLE_CHANGED, ChangeKind.TABLE_WITHDRAWN)
_AFFECTED = ["session_id", "group", "before", "after"]


@dataclass(frozen=True)
class Seen:
    """Sessions and insertions that were listed some time before, by which a returned one is told from a new one.

    Parameters
    ----------
    sessions
        Their ids.
    insertions
        Columns ``session_id``, ``probe`` and ``insertion_id``.
    """

    sessions: frozenset[str] = frozenset()
    insertions: pd.DataFrame = field(default_factory=INSERTIONS.empty, compare=False)

    @classmethod
    def of_manifests(cls, manifests: Iterable[Manifest]) -> Seen:
        """Return what any of some earlier manifests lists."""
        tables = [(manifest.sessions["session_id"], manifest.insertions) for manifest in manifests]
        sessions = frozenset(str(session_id) for ids, _ in tables for session_id in ids)
        return cls(sessions, pd.concat([insertions for _, insertions in tables]))


@dataclass(frozen=True)
class ReleaseDiff:
    """Changes that a manifest brought against the one before.

    Parameters
    ----------
    changes
        Schema `RELEASE_CHANGES`: one line per session, probe and asset group; another selection first, then whole
        sessions.
    added, returned, withdrawn
        Session ids, sorted; a returned session is one that was seen before and is not among the added ones.
    insertions_added, insertions_returned, insertions_removed
        Insertion ids, sorted, those of added and withdrawn sessions among them; the returned ones are among the added.
    affected
        Columns ``session_id``, ``group``, ``before``, ``after``: kept sessions whose content version of a group
        moved. Nothing else has to run again in a kept session.
    """

    changes: pd.DataFrame
    added: list[str]
    returned: list[str]
    withdrawn: list[str]
    insertions_added: list[str]
    insertions_returned: list[str]
    insertions_removed: list[str]
    affected: pd.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return len(self.changes) == 0 and len(self.affected) == 0

    @property
    def selection_changed(self) -> bool:
        """Whether another choice of what to list lies between the two, so that no release brought what joined."""
        return bool((self.changes["kind"] == ChangeKind.SELECTION_CHANGED.value).any())

    @property
    def changed_sessions(self) -> list[str]:
        """Kept sessions with any change, sorted."""
        whole = {*self.added, *self.returned, *self.withdrawn, ""}
        return sorted(set(self.changes["session_id"]) - whole)

    def counts(self) -> dict[str, int]:
        """Return how many lines of each kind there are, in the order of `ChangeKind`."""
        found = self.changes["kind"].value_counts()
        return {kind.value: int(found[kind.value]) for kind in ChangeKind if kind.value in found}

    def summary(self) -> list[str]:
        """Return the lines that end a report: changed tables, if any, insertions, sessions, changed sessions."""
        new = len(self.added) + len(self.returned)
        tables = int(self.changes["kind"].isin([one.value for one in TABLE_KINDS]).sum())
        return [
            *([f"tables: {tables} changed"] if tables else []),
            f"insertions: +{len(self.insertions_added)} -{len(self.insertions_removed)}",
            f"sessions: +{new} -{len(self.withdrawn)}",
            f"changed sessions: {len(self.changed_sessions)}",
        ]


def diff_manifests(
    before: Manifest | None, after: Manifest, seen: Seen | None = None, *, membership_only: bool = False
) -> ReleaseDiff:
    """Compare two manifests of one source by content; a touched timestamp or size is no change.

    Parameters
    ----------
    before
        The earlier manifest; None where there was none, and everything is new.
    after
        The later manifest.
    seen
        What was listed earlier than ``before``.
    membership_only
        Compare which sessions and insertions are listed and nothing else. For freezes, which state no more.

    Returns
    -------
    ReleaseDiff
    """
    seen = seen or Seen()
    old = after_nothing(after) if before is None else before
    old_ids, new_ids = set(old.sessions["session_id"]), set(after.sessions["session_id"])
    fresh, kept = new_ids - old_ids, old_ids & new_ids
    first, second, earlier = with_shared_ids(old.insertions, after.insertions, seen.insertions)
    listed = first, second
    old_pids, new_pids = (set(insertions["insertion_id"]) for insertions in listed)
    returned = (new_pids - old_pids) & set(earlier["insertion_id"])
    changes = [*_whole_sessions(old, after, fresh, seen), *_insertions(*listed, kept, returned)]
    affected = pd.DataFrame(columns=_AFFECTED, dtype=object)
    if not membership_only:
        changes = [*_selection(old, after), *changes]
        changes += compare_facts((old.sessions, after.sessions), listed, kept)
        changes += _files(old, after, kept)
        changes += compare_notices(old.notices, after.notices, after.files)
        changes += compare_tables(old.release_tables, after.release_tables)
        changes += [] if before is None else _left_out(old, after)
        affected = _affected(old, after)
    return ReleaseDiff(
        changes=changes_table(changes),
        added=sorted(fresh - seen.sessions),
        returned=sorted(fresh & seen.sessions),
        withdrawn=sorted(old_ids - new_ids),
        insertions_added=sorted(new_pids - old_pids),
        insertions_returned=sorted(returned),
        insertions_removed=sorted(old_pids - new_pids),
        affected=affected,
    )


def after_nothing(manifest: Manifest) -> Manifest:
    """Return the manifest of the same source with nothing in it."""
    empty = {name: getattr(manifest, name).iloc[:0] for name in ("sessions", "insertions", "files", "notices")}
    return Manifest(source=manifest.source, release="", **empty)


def selection_changed(before: str, after: str) -> bool:
    """Return whether two manifests were chosen differently; one that does not state its selection says nothing."""
    return bool(before and after) and before != after


def _selection(old: Manifest, new: Manifest) -> list[Change]:
    if not selection_changed(old.selection, new.selection):
        return []
    what = f"what is listed was chosen anew: {old.selection} → {new.selection}"
    return [Change(ChangeKind.SELECTION_CHANGED, what, before=old.selection, after=new.selection)]


def _whole_sessions(old: Manifest, new: Manifest, fresh: set[str], seen: Seen) -> list[Change]:
    gone = set(old.sessions["session_id"]) - set(new.sessions["session_id"])
    changes = []
    for manifest, ids in ((new, fresh), (old, gone)):
        sessions = manifest.sessions[manifest.sessions["session_id"].isin(ids)].sort_values("session_id")
        probes = _called(manifest.insertions).groupby(manifest.insertions["session_id"]).apply(_listed)
        for session_id, subject, date in zip(sessions["session_id"], sessions["subject"], sessions["date"]):
            kind = ChangeKind.SESSION_WITHDRAWN
            if ids is fresh:
                kind = ChangeKind.SESSION_RETURNED if session_id in seen.sessions else ChangeKind.SESSION_ADDED
            facts = [subject, date, probes.get(session_id) or "no insertion listed"]
            changes.append(Change(kind, ", ".join(str(fact) for fact in facts if fact), session_id=session_id))
    order = (ChangeKind.SESSION_ADDED, ChangeKind.SESSION_RETURNED, ChangeKind.SESSION_WITHDRAWN)
    return sorted(changes, key=lambda change: (order.index(change.kind), change.session_id))


def _insertions(old: pd.DataFrame, new: pd.DataFrame, kept: set[str], back: set[str]) -> list[Change]:
    """Return insertions that came or went in kept sessions, and those that returned in any session."""
    came = new[~new["insertion_id"].isin(set(old["insertion_id"]))]
    went = old[~old["insertion_id"].isin(set(new["insertion_id"])) & old["session_id"].isin(kept)]
    returned = came["insertion_id"].isin(back)
    changes = []
    for rows, kind, what in (
        (came[~returned & came["session_id"].isin(kept)], ChangeKind.INSERTION_ADDED, "new in a kept session"),
        (came[returned], ChangeKind.INSERTION_RETURNED, "had gone and came back"),
        (went, ChangeKind.INSERTION_REMOVED, "gone; its session is kept"),
    ):
        ordered = rows.sort_values(["session_id", "probe", "insertion_id"])
        names = _called(ordered)
        columns = (ordered[name] for name in ("session_id", "probe", "insertion_id"))
        for name, session_id, probe, insertion_id in zip(names, *columns):
            text = f"{name} {what}"
            changes.append(Change(kind, text, session_id=session_id, probe=probe, insertion_id=insertion_id))
    return changes


def _called(insertions: pd.DataFrame) -> pd.Series:
    """Return how to name each insertion in words: its probe, or its id where a list states no probes."""
    return insertions["probe"].where(insertions["probe"] != "", "insertion " + insertions["insertion_id"])


def _listed(names: pd.Series) -> str:
    return ", ".join(sorted(names))


def _files(old: Manifest, new: Manifest, kept: set[str]) -> list[Change]:
    """Compare the files of kept sessions, but not those of a probe that came or went: its own line says that."""
    probes = [set(zip(manifest.insertions["session_id"], manifest.insertions["probe"])) for manifest in (old, new)]
    one_sided = pd.MultiIndex.from_tuples(sorted(probes[0] ^ probes[1]), names=["session_id", "probe"])
    tables = []
    for manifest in (old, new):
        wanted = manifest.files["session_id"].isin(kept)
        if len(one_sided):
            wanted &= ~pd.MultiIndex.from_frame(manifest.files[["session_id", "probe"]]).isin(one_sided)
        tables.append(manifest.files[wanted])
    return compare_files(*tables)


def _left_out(old: Manifest, new: Manifest) -> list[Change]:
    """Return one line for each reason for which other sessions or insertions are left out than before."""
    before, after = (_by_reason(manifest.left_out) for manifest in (old, new))
    changes = []
    for reason in sorted({*before, *after}):
        first, second = before.get(reason, set()), after.get(reason, set())
        if first != second:
            what = f"left out, {reason}: +{len(second - first)} −{len(first - second)}, now {len(second)}"
            changes.append(Change(ChangeKind.LEFT_OUT_CHANGED, what, before=str(len(first)), after=str(len(second))))
    return changes


def _by_reason(left_out: pd.DataFrame) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for session_id, insertion_id, reason in zip(*(left_out[name] for name in ("session_id", "insertion_id", "reason"))):
        found.setdefault(reason, set()).add((session_id, insertion_id))
    return found


def _affected(old: Manifest, new: Manifest) -> pd.DataFrame:
    before, after = (group_versions(each.sessions, each.insertions, each.files) for each in (old, new))
    moved = [
        (session_id, group, before[session_id][group], version)
        for session_id, versions in after.items()
        if session_id in before
        for group, version in versions.items()
        if version != before[session_id][group]
    ]
    return pd.DataFrame(moved, columns=_AFFECTED, dtype=object)
