"""Sessions and insertions that upstream lists and the catalogue does not take, each with the reason.

Add a reason here when something is left out for another one: what is left out uncounted cannot be missed by anybody.
What is taken is decided in `manifest_tables`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from nh_platform.session.tables.catalogue.manifest import LEFT_OUT

BEHAVIOR_ONLY = "behaviour only"
NO_PROBE_FOLDER = "no probe folder"
NO_FILES = "no files"
BACKSLASHES = "paths with backslashes"
NO_NUMBER = "session number is no number"
NO_SUBJECT = "no subject"
NOT_IN_TABLES = "not in the sessions table"
FOLDER_NO_NUMBER = "session folder is no number"
NO_SESSION = "insertion of no session"
NO_NAME = "insertion without a name"
BROKEN_LINK = "folder is a link that leads nowhere"

_SORTING_NAME = r"(?:spikes|clusters|channels|templates|_spikeglx_.*)\..+"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MISSING_IDS = ("", "None", "nan", "NaN", "<NA>", "NaT")

Reason = tuple[str, str, str, str]
"""Session id, insertion id, reason, and what was found."""


def has_backslashes(files: pd.DataFrame) -> pd.Series:
    r"""Return which files of schema `FILES` have a path such as ``alf\probe00\spikes.times.npy``."""
    return files["name"].str.contains("\\", regex=False)


def usable_numbers(numbers: pd.Series) -> pd.Series:
    """Return which session numbers are whole numbers that a table can hold."""
    values = pd.to_numeric(numbers, errors="coerce")
    return values.between(0, 65535) & (values % 1 == 0)


def unusable_sessions(table: pd.DataFrame) -> Iterator[Reason]:
    """Yield the sessions of ONE's table that have no subject or number by which their files are found."""
    usable = usable_numbers(table["number"])
    for eid, number in table.loc[~usable, "number"].items():
        yield str(eid), "", NO_NUMBER, f"number {number!r}"
    for eid in table.index[usable & table["subject"].isna()]:
        yield str(eid), "", NO_SUBJECT, "the sessions table states none"


def sessions_without_probe(session_ids: Iterable[str], files: pd.DataFrame) -> Iterator[Reason]:
    """Yield why each of some sessions has nothing that can be read of a probe.

    Parameters
    ----------
    session_ids
        Sessions of ONE's table that the catalogue does not take.
    files
        Columns of `FILES`, of all sessions.
    """
    of_session = {str(eid): rows for eid, rows in files.groupby("session_id")}
    for eid in session_ids:
        rows = of_session.get(eid)
        if rows is None:
            yield eid, "", NO_FILES, "the datasets table lists none"
            continue
        sorting = rows[rows["name"].str.fullmatch(_SORTING_NAME)]
        if has_backslashes(rows).any():
            example = rows.loc[has_backslashes(rows), "name"].min()
            yield eid, "", BACKSLASHES, f"{example}; the tables were written on Windows, write them again with `/`"
        elif len(sorting):
            first = sorting.sort_values(["collection", "name"]).iloc[0]
            yield eid, "", NO_PROBE_FOLDER, f"{first['collection'] or '.'}/{first['name']} is in no folder alf/probe…"
        else:
            yield eid, "", BEHAVIOR_ONLY, f"{len(rows)} files, none of a probe"


def unlisted_sessions(table: pd.DataFrame, files: pd.DataFrame) -> Iterator[Reason]:
    """Yield the sessions of which ONE's tables list files alone."""
    counts = files.loc[~files["session_id"].isin(table.index), "session_id"].value_counts()
    for eid, number in counts.items():
        yield str(eid), "", NOT_IN_TABLES, f"{number} files of it are in the datasets table"


def stray_insertions(table: pd.DataFrame) -> Iterator[Reason]:
    """Yield the insertions that belong to no session, which Alyx' model allows, or have no name."""
    eids = table.index.get_level_values("eid").map(str)
    pids = table.index.get_level_values("id").map(str)
    for eid, pid, name in zip(eids, pids, table["name"]):
        if eid in _MISSING_IDS:
            yield "", pid, NO_SESSION, f"upstream lists {name or 'it'} without a session"
        elif not isinstance(name, str) or not name:
            yield eid, pid, NO_NAME, "upstream states no name of its probe"


def unlisted_folders(root: Path, known: Iterable[Path]) -> Iterator[Reason]:
    """Yield the session folders of a local tree that ONE's tables do not list, by their path in the tree.

    ONE's own writer of tables passes over a folder that is no number.

    Parameters
    ----------
    root
        Folder of the tree.
    known
        Folders of the sessions of the tables.
    """
    listed = set(known)
    for pattern in ("*/Subjects/*/*/*", "*/*/*"):
        for folder in sorted(root.glob(pattern)):
            if not _DATE.fullmatch(folder.parent.name) or folder in listed or not folder.is_dir():
                continue
            name = folder.relative_to(root).as_posix()
            if folder.name.isdecimal():
                yield name, "", NOT_IN_TABLES, "write the ONE tables again to list it"
            else:
                yield name, "", FOLDER_NO_NUMBER, f"{folder.name!r}; ONE lists 001, 002, …: rename it, write the tables"


def left_out_table(reasons: Iterable[Reason]) -> pd.DataFrame:
    """Return schema `LEFT_OUT`, the first reason of each session and insertion."""
    rows = pd.DataFrame(list(reasons), columns=LEFT_OUT.names, dtype=object)
    key = list(LEFT_OUT.key)
    return LEFT_OUT.conform(rows.drop_duplicates(key).sort_values(key, ignore_index=True))
