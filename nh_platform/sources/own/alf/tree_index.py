"""The index of an ALF tree: the tables that ONE has, made of the paths alone.

ONE's own writer (`one.alf.cache.make_parquet_db`, 3.6.1) gives sessions and files new ids at each run, so that all of
them would be made again. Ids of ours follow from the paths: two runs over one tree are equal. Add here what more the
paths say. What the tables mean is `nh_platform.sources.ibl.catalogue`.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nh_platform.downloads.hashes import file_hash, why_no_file
from nh_platform.sources.ibl.catalogue.datasets import RFM_FRAMES
from nh_platform.sources.own.local_files import matching, session_id_of

SESSIONS = ("*/Subjects/*/*/*/alf", "*/*/*/alf")
"""Where a session's ``alf`` folder lies below the root."""

FILES = ("alf/**/*.*", f"raw_*_data*/{RFM_FRAMES}")
"""Files of a session that are listed: raw recordings beside ``alf`` are not read, and would be hashed for hours."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class SessionFolder:
    """A session of the tree.

    Parameters
    ----------
    path
        Its folder.
    lab, subject, date, number
        As its path says; ``lab`` is empty where the path has none.
    """

    path: Path
    lab: str
    subject: str
    date: str
    number: int

    @property
    def session_id(self) -> str:
        """Its id, made of all of these: ``lab_subject_2026-01-02_001``."""
        named = [part for part in (self.lab, self.subject, self.date, self.path.name) if part]
        return session_id_of("_".join(named))


def _is_date(name: str) -> bool:
    try:
        return bool(_DATE.fullmatch(name) and dt.date.fromisoformat(name))
    except ValueError:  # 2026-13-45
        return False


def session_folders(root: Path) -> list[SessionFolder]:
    """Return the sessions of a tree, sorted by path: every folder of a date and number that has an ``alf``."""
    folders = {path.parent for pattern in SESSIONS for path in matching(root, pattern) if path.is_dir()}
    return [one for one in map(_session_folder, sorted(folders)) if one is not None]


def broken_sessions(root: Path) -> dict[str, str]:
    """Return what was found of each session whose folder, or its ``alf``, is a link that leads nowhere, by its id."""
    found = {}
    for folder in (path for pattern in SESSIONS for path in matching(root, pattern.removesuffix("/alf"))):
        one = _session_folder(folder)
        for path in (folder, folder / "alf"):
            if one is not None and is_broken(path):
                found[one.session_id] = f"{path.relative_to(root).as_posix()}: {why_no_file(path)}"
    return found


def is_broken(path: Path) -> bool:
    """Return whether a path is a link to nothing, or to itself."""
    return path.is_symlink() and not path.exists()


def _session_folder(folder: Path) -> SessionFolder | None:
    """Return what the path of a session's folder says; None where it is none."""
    date, subject = folder.parent, folder.parent.parent
    if not _is_date(date.name) or not folder.name.isdecimal():
        return None
    lab = subject.parent.parent.name if subject.parent.name == "Subjects" else ""
    return SessionFolder(folder, lab, subject.name, date.name, int(folder.name))


def tree_tables(folders: list[SessionFolder], cache_dir: Path | None) -> dict[str, pd.DataFrame]:
    """Return ONE's tables ``sessions`` and ``datasets`` of a tree, with the md5 of every file.

    Of the revisions of a file the last one is that which is read by default, as ONE has it. A link that leads nowhere
    is listed without size and md5: the reading of its session names it.
    """
    sessions = pd.DataFrame(
        {
            "lab": [one.lab or None for one in folders],
            "subject": [one.subject for one in folders],
            "date": [one.date for one in folders],
            "number": [one.number for one in folders],
            "task_protocol": None,
            "projects": None,
        },
        index=pd.Index([one.session_id for one in folders], name="id"),
    )
    rows: list[tuple[str, str, float | None, str | None]] = []
    for one in folders:
        for path in sorted(path for pattern in FILES for path in matching(one.path, pattern)):
            name = path.relative_to(one.path).as_posix()
            if path.is_file():
                rows.append((one.session_id, name, path.stat().st_size, file_hash(path, cache_dir=cache_dir)))
            elif is_broken(path):
                rows.append((one.session_id, name, None, None))
    table = pd.DataFrame(rows, columns=["eid", "rel_path", "file_size", "hash"]).assign(exists=True)
    table["id"] = table["rel_path"]
    unrevised = table["rel_path"].str.replace(r"#[^#/]*#/", "", regex=True)
    revision = table["rel_path"].str.extract(r"#([^#/]*)#/", expand=False).fillna("")
    table["default_revision"] = revision == revision.groupby([table["eid"], unrevised]).transform("max")
    return {"sessions": sessions, "datasets": table.set_index(["eid", "id"])}
