"""Changes in the files of kept sessions between two manifests, found without a loop over sessions.

Contains the comparison of two files tables and the meaning of each kind of difference. Add a kind here when a release
can bring it to a file. Sessions, insertions and notices are compared in `release_diff`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.comparison.changes import Change, ChangeKind, listed
from nh_platform.history.identity import GROUPS, read_by

Cell = tuple[str, str, str]
"""Session, probe and group that one line is about."""


def compare_files(before: pd.DataFrame, after: pd.DataFrame) -> list[Change]:
    """Compare the files of sessions and probes that both manifests have.

    A file counts as read where it is of the default revision and in an asset group. Files that were read and are read
    from another place (revision or collection) are a new revision, of spikes a re-sort; the alignment and metrics
    that come with a re-sort belong to it. Differences that no asset reads are told in one line a session.

    Parameters
    ----------
    before, after
        Schema `FILES`.

    Returns
    -------
    list of Change
        In the order of session, probe and group; each line sums up the files of one of these.
    """
    pair = _Pair(before, after)
    moved = _moved(pair)
    resorted = {(session, probe) for session, probe, group in moved if group == "spikes"}
    changes = [
        _new_revision(cell, rows, is_resort=cell[:2] in resorted and cell[2] in ("spikes", "alignment", "qc"))
        for cell, rows in moved.items()
    ]
    changes += _by_cell(pair, pair.read_in_both & pair.differs("md5"), ("name",), _patched)
    changes += _by_cell(pair, pair.read_in_both & pair.differs("qc"), ("name", "qc"), _qc_changed)
    changes += _came_or_went(pair.lost, pair.won)
    changes += _tags(pair)
    changes += _unread(pair)
    return sorted(changes, key=lambda change: (change.session_id, change.probe, change.group, change.kind))


class _Pair:
    """Two files tables with the rows of equal key aligned: ``kept0[i]`` of before is ``kept1[i]`` of after."""

    def __init__(self, before: pd.DataFrame, after: pd.DataFrame) -> None:
        self.before, self.after = before, after
        where = pd.Index(_keys(before)).get_indexer(pd.Index(_keys(after)))
        self.kept1 = np.flatnonzero(where >= 0)
        self.kept0 = where[self.kept1]
        gone = np.ones(len(before), dtype=bool)
        gone[self.kept0] = False
        self.gone0, self.new1 = np.flatnonzero(gone), np.flatnonzero(where < 0)
        read0, read1 = read_by(before, GROUPS).to_numpy(), read_by(after, GROUPS).to_numpy()
        both = read0[self.kept0] & read1[self.kept1]
        self.read_in_both = both & ~self.differs("group")
        stopped, started = read0.copy(), read1.copy()
        stopped[self.kept0[self.read_in_both]] = False
        started[self.kept1[self.read_in_both]] = False
        self.lost, self.won = before[stopped], after[started]
        self.unread0, self.unread1 = ~read0, ~read1

    def differs(self, column: str) -> npt.NDArray[np.bool_]:
        """Return, per kept row, whether a column differs; null equals null."""
        old, new = (_filled(table, column) for table in (self.before, self.after))
        return np.asarray(old[self.kept0] != new[self.kept1], dtype=bool)


def _keys(files: pd.DataFrame) -> pd.Series:
    return files["session_id"] + "\x1f" + files["collection"] + "\x1f" + files["revision"] + "\x1f" + files["name"]


def _filled(table: pd.DataFrame, column: str) -> npt.NDArray[Any]:
    series = table[column]
    return (series if series.dtype == bool else series.fillna("")).to_numpy()


def _moved(pair: _Pair) -> dict[Cell, list[tuple[str, ...]]]:
    """Return, by cell, (name, collection and revision before, collection and revision after) of files read elsewhere.

    The matched rows are taken out of ``lost`` and ``won``.
    """
    key = ["session_id", "probe", "group", "name"]
    old, new = pair.lost.drop_duplicates(key), pair.won.drop_duplicates(key)
    place = ["collection", "revision"]
    both = old[[*key, *place]].merge(new[[*key, *place]], on=key, suffixes=("_0", "_1"))
    cells: dict[Cell, list[tuple[str, ...]]] = defaultdict(list)
    for session, probe, group, *rest in both.itertuples(index=False, name=None):
        cells[session, probe, group].append(tuple(rest))
    matched = pd.MultiIndex.from_frame(both[key])
    pair.lost = pair.lost[~pd.MultiIndex.from_frame(pair.lost[key]).isin(matched)]
    pair.won = pair.won[~pd.MultiIndex.from_frame(pair.won[key]).isin(matched)]
    return cells


def _new_revision(cell: Cell, rows: list[tuple[str, ...]], *, is_resort: bool) -> Change:
    names = [row[0] for row in rows]
    same_collection = all(row[1] == row[3] for row in rows)
    before, after = (
        ", ".join(sorted({_place("" if same_collection else row[i], row[i + 1]) for row in rows})) for i in (1, 3)
    )
    kind = ChangeKind.NEW_REVISION
    if is_resort:
        kind = ChangeKind.RESORTED
    elif cell[2] == "alignment":
        kind = ChangeKind.ALIGNMENT_CHANGED
    what = f"{_files(len(rows), cell[2])} from {after}, before {before}: {listed(names)}"
    return _change(kind, cell, len(rows), what, before, after)


def _place(collection: str, revision: str) -> str:
    return " ".join(part for part in (collection, f"revision {revision}" if revision else "unrevised") if part)


def _by_cell(
    pair: _Pair,
    wanted: npt.NDArray[np.bool_],
    columns: tuple[str, ...],
    tell: Callable[[Cell, list[tuple[str, ...]]], Change],
) -> list[Change]:
    """Sum up kept rows by cell; ``tell`` gets, per row, each column before and after."""
    old, new = pair.before.iloc[pair.kept0[wanted]], pair.after.iloc[pair.kept1[wanted]]
    values = [table[column].fillna("") for column in columns for table in (old, new)]
    cells: dict[Cell, list[tuple[str, ...]]] = defaultdict(list)
    for session, probe, group, *rest in zip(new["session_id"], new["probe"], new["group"], *values):
        cells[session, probe, group].append(tuple(rest))
    return [tell(cell, rows) for cell, rows in cells.items()]


def _patched(cell: Cell, rows: list[tuple[str, ...]]) -> Change:
    kind = ChangeKind.ALIGNMENT_CHANGED if cell[2] == "alignment" else ChangeKind.PATCHED
    what = f"{_files(len(rows), cell[2])} with a new md5: {listed(row[0] for row in rows)}"
    return _change(kind, cell, len(rows), what)


def _qc_changed(cell: Cell, rows: list[tuple[str, ...]]) -> Change:
    steps: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, _, old, new in rows:
        steps[old or "none", new or "none"].append(name)
    what = "; ".join(f"dataset QC {old} → {new}: {listed(names)}" for (old, new), names in sorted(steps.items()))
    before, after = (", ".join(sorted({step[i] for step in steps})) for i in (0, 1))
    return _change(ChangeKind.QC_CHANGED, cell, len(rows), what, before, after)


def _came_or_went(lost: pd.DataFrame, won: pd.DataFrame) -> list[Change]:
    changes = []
    for rows, kind, state in (
        (lost, ChangeKind.FILES_WITHDRAWN, "no longer there"),
        (won, ChangeKind.FILES_ADDED, "not there before"),
    ):
        cells: dict[Cell, list[str]] = defaultdict(list)
        for session, probe, group, name in zip(rows["session_id"], rows["probe"], rows["group"], rows["name"]):
            cells[session, probe, group].append(name)
        for cell, names in cells.items():
            own = ChangeKind.ALIGNMENT_CHANGED if cell[2] == "alignment" else kind
            what = f"{_files(len(names), cell[2])} {state}: {listed(names)}"
            changes.append(_change(own, cell, len(names), what))
    return changes


def _tags(pair: _Pair) -> list[Change]:
    wanted = pair.differs("tags")
    new = pair.after.iloc[pair.kept1[wanted]]
    old_tags, new_tags = pair.before["tags"].fillna("").to_numpy()[pair.kept0[wanted]], new["tags"].fillna("")
    added: dict[str, set[str]] = defaultdict(set)
    removed: dict[str, set[str]] = defaultdict(set)
    count: dict[str, int] = defaultdict(int)
    for session, old, fresh in zip(new["session_id"], old_tags, new_tags):
        before, after = ({tag for tag in text.split(",") if tag} for text in (old, fresh))
        added[session] |= after - before
        removed[session] |= before - after
        count[session] += 1
    changes = []
    for session in count:
        parts = [f"+{tag}" for tag in sorted(added[session])] + [f"−{tag}" for tag in sorted(removed[session])]
        what = f"{_files(count[session])}: {', '.join(parts) or 'the same tags in another order'}"
        changes.append(_change(ChangeKind.TAG_CHANGED, (session, "", ""), count[session], what))
    return changes


def _unread(pair: _Pair) -> list[Change]:
    """Return one line a session for what changed in its files and is read by nothing, and for moved addresses."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def count(rows: pd.DataFrame, what: str) -> None:
        for session, number in rows["session_id"].value_counts(sort=False).items():
            counts[str(session)][what] = int(number)

    count(pair.before.iloc[pair.gone0[pair.unread0[pair.gone0]]], "unread file(s) withdrawn")
    count(pair.after.iloc[pair.new1[pair.unread1[pair.new1]]], "unread file(s) added")
    still_unread = pair.unread0[pair.kept0] & pair.unread1[pair.kept1]
    moved = pair.differs("md5") | pair.differs("qc") | pair.differs("default_revision") | pair.differs("group")
    count(pair.after.iloc[pair.kept1[still_unread & moved]], "unread file(s) changed")
    entry = pair.differs("dataset_id") | pair.differs("url") | pair.differs("probe")
    count(pair.after.iloc[pair.kept1[entry]], "file(s) with another id or address")
    changes = []
    for session, parts in counts.items():
        what = ", ".join(f"{number} {text}" for text, number in parts.items())
        changes.append(_change(ChangeKind.CATALOGUE_ONLY, (session, "", ""), sum(parts.values()), what))
    return changes


def _files(number: int, group: str = "") -> str:
    return " ".join(part for part in (str(number), group, "file" if number == 1 else "files") if part)


def _change(
    kind: ChangeKind, cell: Cell, n_files: int, what: str, before: str | None = None, after: str | None = None
) -> Change:
    return Change(
        kind, what, session_id=cell[0], probe=cell[1], group=cell[2], n_files=n_files, before=before, after=after
    )
