"""What one state of a source brought against another, in the users' words and as what has to run again.

Contains the diff of two manifests. Add a comparison here when the manifest gains a fact; files are compared in
`file_changes`. Nothing here talks to upstream, and which assets a group feeds is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nh_platform.sources.catalog import GROUPS, Manifest
from nh_platform.sources.changes import Change, ChangeKind, changes_table
from nh_platform.sources.file_changes import compare_files
from nh_platform.sources.identity import group_versions

_NOT_FACTS = ("session_id", "qc")
_INSERTION_FACTS = {
    "qc": ChangeKind.QC_CHANGED,
    "alignment_resolved": ChangeKind.ALIGNMENT_CHANGED,
    "alignment_stored": ChangeKind.ALIGNMENT_CHANGED,
    "probe": ChangeKind.FACTS_CHANGED,
}


@dataclass(frozen=True)
class Seen:
    """Sessions and insertions that were listed some time before, by which a returned one is told from a new one.

    Parameters
    ----------
    sessions, insertions
        Their ids.
    """

    sessions: frozenset[str] = frozenset()
    insertions: frozenset[str] = frozenset()

    @classmethod
    def of_manifests(cls, manifests: Iterable[Manifest]) -> Seen:
        """Return what any of some earlier manifests lists."""
        sessions: set[str] = set()
        insertions: set[str] = set()
        for manifest in manifests:
            sessions |= set(manifest.sessions["session_id"])
            insertions |= set(manifest.insertions["insertion_id"])
        return cls(frozenset(sessions), frozenset(insertions))


@dataclass(frozen=True)
class ReleaseDiff:
    """What a manifest brought against the one before.

    Parameters
    ----------
    changes
        Schema `RELEASE_CHANGES`: one line per session, probe and asset group, whole sessions first.
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
    def changed_sessions(self) -> list[str]:
        """Kept sessions with any change, sorted."""
        whole = {*self.added, *self.returned, *self.withdrawn, ""}
        return sorted(set(self.changes["session_id"]) - whole)

    def groups_to_run(self) -> dict[str, tuple[str, ...]]:
        """Return, by session, the asset groups whose content is new: all of an added or returned session."""
        groups = {str(name): tuple(rows["group"]) for name, rows in self.affected.groupby("session_id")}
        return groups | dict.fromkeys(sorted({*self.added, *self.returned}), GROUPS)

    def counts(self) -> dict[str, int]:
        """Return how many lines of each kind there are, in the order of `ChangeKind`."""
        found = self.changes["kind"].value_counts()
        return {kind.value: int(found[kind.value]) for kind in ChangeKind if kind.value in found}

    def summary(self) -> list[str]:
        """Return the lines that end a report: insertions, sessions and changed sessions in numbers."""
        new = len(self.added) + len(self.returned)
        return [
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
    old_pids, new_pids = set(old.insertions["insertion_id"]), set(after.insertions["insertion_id"])
    changes = [
        *_whole_sessions(old, after, fresh, seen),
        *_insertions(old.insertions, after.insertions, kept, seen),
    ]
    affected = pd.DataFrame(columns=["session_id", "group", "before", "after"], dtype=object)
    if not membership_only:
        changes += _facts(old, after, kept)
        changes += _files(old, after, kept)
        changes += _notices(old.notices, after.notices)
        affected = _affected(old, after)
    return ReleaseDiff(
        changes=changes_table(changes),
        added=sorted(fresh - seen.sessions),
        returned=sorted(fresh & seen.sessions),
        withdrawn=sorted(old_ids - new_ids),
        insertions_added=sorted(new_pids - old_pids),
        insertions_returned=sorted((new_pids - old_pids) & seen.insertions),
        insertions_removed=sorted(old_pids - new_pids),
        affected=affected,
    )


def after_nothing(manifest: Manifest) -> Manifest:
    """Return the manifest of the same source with nothing in it."""
    empty = {name: getattr(manifest, name).iloc[:0] for name in ("sessions", "insertions", "files", "notices")}
    return Manifest(source=manifest.source, release="", **empty)


def _whole_sessions(old: Manifest, new: Manifest, fresh: set[str], seen: Seen) -> list[Change]:
    gone = set(old.sessions["session_id"]) - set(new.sessions["session_id"])
    changes = []
    for manifest, ids in ((new, fresh), (old, gone)):
        sessions = manifest.sessions[manifest.sessions["session_id"].isin(ids)].sort_values("session_id")
        probes = manifest.insertions.groupby("session_id")["probe"].apply(lambda names: ", ".join(sorted(names)))
        for session_id, subject, date in zip(sessions["session_id"], sessions["subject"], sessions["date"]):
            kind = ChangeKind.SESSION_WITHDRAWN
            if ids is fresh:
                kind = ChangeKind.SESSION_RETURNED if session_id in seen.sessions else ChangeKind.SESSION_ADDED
            facts = [subject, date, probes.get(session_id) or "no insertion listed"]
            changes.append(Change(kind, ", ".join(str(fact) for fact in facts if fact), session_id=session_id))
    order = (ChangeKind.SESSION_ADDED, ChangeKind.SESSION_RETURNED, ChangeKind.SESSION_WITHDRAWN)
    return sorted(changes, key=lambda change: (order.index(change.kind), change.session_id))


def _insertions(old: pd.DataFrame, new: pd.DataFrame, kept: set[str], seen: Seen) -> list[Change]:
    """Return insertions that came or went in kept sessions, and those that returned in any session."""
    came = new[~new["insertion_id"].isin(set(old["insertion_id"]))]
    went = old[~old["insertion_id"].isin(set(new["insertion_id"])) & old["session_id"].isin(kept)]
    returned = came["insertion_id"].isin(seen.insertions)
    changes = []
    for rows, kind, what in (
        (came[~returned & came["session_id"].isin(kept)], ChangeKind.INSERTION_ADDED, "new in a kept session"),
        (came[returned], ChangeKind.INSERTION_RETURNED, "had gone and came back"),
        (went, ChangeKind.INSERTION_REMOVED, "gone; its session is kept"),
    ):
        ordered = rows.sort_values(["session_id", "probe"])
        for session_id, probe, insertion_id in zip(ordered["session_id"], ordered["probe"], ordered["insertion_id"]):
            text = f"{probe} {what}"
            changes.append(Change(kind, text, session_id=session_id, probe=probe, insertion_id=insertion_id))
    return changes


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


def _facts(old: Manifest, new: Manifest, kept: set[str]) -> list[Change]:
    """Return changes of what is stated of kept sessions and of their insertions."""
    facts = [name for name in new.sessions.columns if name not in _NOT_FACTS]
    changes = []
    for session_id, name, before, after in _differences(old.sessions, new.sessions, "session_id", [*facts, "qc"]):
        if session_id not in kept:
            continue
        kind = ChangeKind.QC_CHANGED if name == "qc" else ChangeKind.FACTS_CHANGED
        group = "qc" if name == "qc" else ""
        what = f"session {'QC' if name == 'qc' else name}: {_said(before)} → {_said(after)}"
        changes.append(Change(kind, what, session_id=session_id, group=group, before=_text(before), after=_text(after)))
    where = new.insertions.set_index("insertion_id")[["session_id", "probe"]].to_dict("index")
    columns = list(_INSERTION_FACTS)
    for insertion_id, name, before, after in _differences(old.insertions, new.insertions, "insertion_id", columns):
        kind = _INSERTION_FACTS[name]
        group = {ChangeKind.QC_CHANGED: "qc", ChangeKind.ALIGNMENT_CHANGED: "alignment"}.get(kind, "")
        what = f"insertion {name.replace('_', ' ').replace('qc', 'QC')}: {_said(before)} → {_said(after)}"
        place: dict[str, Any] = where[insertion_id]
        changes.append(
            Change(
                kind, what, insertion_id=insertion_id, group=group, before=_text(before), after=_text(after), **place
            )
        )
    return sorted(changes, key=lambda change: (change.session_id, change.probe, change.kind, change.what))


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


def _notices(old: pd.DataFrame, new: pd.DataFrame) -> list[Change]:
    changes = []
    for rows, others, kind in (
        (new, old, ChangeKind.NOTICE_PUBLISHED),
        (old, new, ChangeKind.NOTICE_WITHDRAWN),
    ):
        known = set(zip(others["notice_id"], others["text"]))
        ordered = rows.sort_values("notice_id")
        changes += [
            Change(kind, text) for row, text in zip(ordered["notice_id"], ordered["text"]) if (row, text) not in known
        ]
    return changes


def _affected(old: Manifest, new: Manifest) -> pd.DataFrame:
    versions = group_versions(old).merge(group_versions(new), on=["session_id", "group"], suffixes=("_0", "_1"))
    moved = versions[versions["version_0"] != versions["version_1"]].reset_index(drop=True)
    return moved.rename(columns={"version_0": "before", "version_1": "after"})


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _said(value: Any) -> str:
    return "none" if value is None or value == "" else str(value)
