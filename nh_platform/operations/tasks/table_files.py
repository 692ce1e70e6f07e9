"""Files of the tables of a task that has its own: the rows of all sessions, and where they come from.

Contains what is written. When it is, is `task_runs`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from nh_platform.operations.tasks.task_records import SessionTables


def write_tables(folder: Path, found: SessionTables, origins: Sequence[Mapping[str, object]]) -> None:
    """Write ``<task>.csv`` and ``origin.json`` into a folder.

    Parameters
    ----------
    folder
        The folder.
    found
        The tables.
    origins
        Release, data versions, terms and citations of each session.

    Raises
    ------
    StoreError
        If they cannot be written.
    """
    from nh_platform.store.durable import disk_in_words

    with disk_in_words(folder):
        found.joined().to_csv(folder / f"{found.task.name}.csv", index=False, lineterminator="\n")
        text = json.dumps([dict(one) for one in origins], sort_keys=True, ensure_ascii=False, indent=2)
        (folder / "origin.json").write_text(f"{text}\n", encoding="utf-8")
