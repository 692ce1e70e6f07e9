"""Names that upstream states and that become part of a path, looked at once, before a manifest is stored.

Contains the leaving out of sessions and files whose names cannot be part of a path, with the reason. Add here another
name of upstream that a path is made of. What such a name may be is `nh_platform.store.path_parts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from nh_platform.history.manifest import Manifest
from nh_platform.session.tables.catalogue.manifest import LEFT_OUT
from nh_platform.store.path_parts import path_part_problem, relative_path_problem

BAD_SESSION = "name that cannot be part of a path"
BAD_FILE = "file whose name cannot be part of a path"

_SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""Ids are keys of partitions and folders of the store, where what begins with `_` is the store's own."""

_SHOWN = 80


def without_unsafe_names(manifest: Manifest) -> Manifest:
    """Return a manifest without the sessions and files that no path may be made of; they are in `Manifest.left_out`.

    A session goes whole where its id, subject, lab or day or the name of one of its probes cannot be part of a path:
    all of its files lie below them. A file goes alone, and is lacking then as any other that upstream does not have.
    """
    sessions, files = _unsafe_sessions(manifest), _unsafe_files(manifest.files)
    if not sessions and not files:
        return manifest
    rows = [
        *((_shown(session_id), "", BAD_SESSION, found) for session_id, found in sessions.items()),
        *((session_id, "", BAD_FILE, found) for session_id, found in _by_session(files, sessions)),
    ]
    left_out = pd.concat([manifest.left_out, pd.DataFrame(rows, columns=LEFT_OUT.names, dtype=object)])
    key = list(LEFT_OUT.key)
    gone = set(sessions)
    kept = manifest.files[~manifest.files["session_id"].isin(gone) & ~manifest.files.index.isin(files)]
    return replace(
        manifest,
        sessions=_but(manifest.sessions, gone),
        insertions=_but(manifest.insertions, gone),
        files=kept.reset_index(drop=True),
        left_out=LEFT_OUT.conform(left_out.drop_duplicates(key).sort_values(key, ignore_index=True)),
    )


def _unsafe_sessions(manifest: Manifest) -> dict[str, str]:
    """Return what is wrong with each session that is left out."""
    found: dict[str, str] = {}
    for row in manifest.sessions[["session_id", "subject", "lab", "date"]].itertuples(index=False):
        session_id = str(row.session_id)
        if not _SESSION_ID.fullmatch(session_id):
            why = path_part_problem(session_id) or "letters, digits, _ and - are its characters, 100 at most"
            found[session_id] = f"session id '{_shown(session_id)}': {why}"
            continue
        parts = (("subject", row.subject), ("lab", row.lab), ("date", row.date))
        stated = [(what, value) for what, value in parts if isinstance(value, str) and value]
        for text in _problems(stated):
            found.setdefault(session_id, text)
    probes = manifest.insertions[["session_id", "insertion_id", "probe"]]
    for session_id, insertion, probe in probes.itertuples(index=False):
        named = (("insertion id", str(insertion)), ("probe", str(probe)))
        for text in _problems((what, value) for what, value in named if value):
            found.setdefault(str(session_id), text)
    return found


def _problems(named: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"{what} '{_shown(value)}': {why}" for what, value in named if (why := path_part_problem(value)))


def _unsafe_files(files: pd.DataFrame) -> dict[int, tuple[str, str]]:
    """Return session and words of each file that is left out, by its row.

    Each name is looked at once: 210,000 files have some hundred names and collections.
    """
    looks = {"name": path_part_problem, "collection": relative_path_problem, "revision": path_part_problem}
    found: dict[int, tuple[str, str]] = {}
    for column, look in looks.items():
        texts = files[column].astype(str)
        problems = {text: why for text in texts.unique() if text or column == "name" if (why := look(text))}
        for row in texts.index[texts.isin(problems)] if problems else ():
            words = f"{column} '{_shown(texts[row])}': {problems[texts[row]]}; the file is not read"
            found.setdefault(row, (str(files.loc[row, "session_id"]), words))
    return found


def _by_session(files: dict[int, tuple[str, str]], gone: dict[str, str]) -> Iterable[tuple[str, str]]:
    """Yield each session of left out files, with the first of them and how many more there are."""
    of_session: dict[str, list[str]] = {}
    for session_id, words in files.values():
        of_session.setdefault(session_id, []).append(words)
    for session_id, texts in of_session.items():
        if session_id not in gone:
            more = f", and {len(texts) - 1} more" if len(texts) > 1 else ""
            yield session_id, f"{min(texts)}{more}"


def _but(table: pd.DataFrame, gone: set[str]) -> pd.DataFrame:
    return table[~table["session_id"].isin(gone)].reset_index(drop=True)


def _shown(text: str) -> str:
    """Return the begin of a text, as one that a terminal can print."""
    printable = repr(text[:_SHOWN])[1:-1]
    return printable if len(text) <= _SHOWN else f"{printable}…"
