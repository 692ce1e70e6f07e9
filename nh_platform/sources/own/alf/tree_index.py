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

from nh_platform.downloads.hashes import file_hash
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
    found = []
    for alf in sorted({path for pattern in SESSIONS for path in matching(root, pattern) if path.is_dir()}):
        folder = alf.parent
        date, subject = folder.parent, folder.parent.parent
        if not _is_date(date.name) or not folder.name.isdecimal():
            continue
        lab = subject.parent.parent.name if subject.parent.name == "Subjects" else ""
        found.append(SessionFolder(folder, lab, subject.name, date.name, int(folder.name)))
    return found


def tree_tables(folders: list[SessionFolder], cache_dir: Path | None) -> dict[str, pd.DataFrame]:
    """Return ONE's tables ``sessions`` and ``datasets`` of a tree, with the md5 of every file.

    Of the revisions of a file the last one is that which is read by default, as ONE has it.
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
    rows = [
        (
            one.session_id,
            path.relative_to(one.path).as_posix(),
            path.stat().st_size,
            file_hash(path, cache_dir=cache_dir),
        )
        for one in folders
        for path in sorted(path for pattern in FILES for path in matching(one.path, pattern))
        if path.is_file()
    ]
    table = pd.DataFrame(rows, columns=["eid", "rel_path", "file_size", "hash"]).assign(exists=True)
    table["id"] = table["rel_path"]
    unrevised = table["rel_path"].str.replace(r"#[^#/]*#/", "", regex=True)
    revision = table["rel_path"].str.extract(r"#([^#/]*)#/", expand=False).fillna("")
    table["default_revision"] = revision == revision.groupby([table["eid"], unrevised]).transform("max")
    return {"sessions": sessions, "datasets": table.set_index(["eid", "id"])}
