"""Small catalogues and what a release does to them, for the tests of snapshots, diffs and `nh releases`.

Add a change that a release can bring here when two test modules make it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from nh_platform.history.manifest import Manifest
from nh_platform.session.tables.catalogue.releases import NOTICES
from nh_platform.simulation.ibl.catalogue import RESORT, simulate_catalogue

NEW_REVISION = "2026-01-01"


def a_manifest(n_sessions: int = 4, release: str = "follow_default") -> Manifest:
    tables = simulate_catalogue(n_sessions, 84)
    return Manifest("ibl", release, tables.sessions, tables.insertions, tables.files)


def ids(manifest: Manifest) -> list[str]:
    """Session ids in the order of the table."""
    return list(manifest.sessions["session_id"])


def edit(manifest: Manifest, change: Callable[[pd.DataFrame], pd.Series], **values: object) -> Manifest:
    """Return the manifest with columns set in the files that ``change`` selects."""
    files = manifest.files.copy()
    chosen = change(files)
    assert chosen.any()
    for column, value in values.items():
        files.loc[chosen, column] = value
    return replace(manifest, files=files)


def of(session_id: str, name: str, probe: str = "", revision: str | None = None) -> Callable[[pd.DataFrame], pd.Series]:
    """Select files of one session by the beginning of their name."""

    def chosen(files: pd.DataFrame) -> pd.Series:
        found = (files["session_id"] == session_id) & files["name"].str.startswith(name) & (files["probe"] == probe)
        return found if revision is None else found & (files["revision"] == revision)

    return chosen


def without_sessions(manifest: Manifest, *gone: str) -> Manifest:
    tables = {
        name: table[~table["session_id"].isin(gone)].reset_index(drop=True)
        for name, table in (
            ("sessions", manifest.sessions),
            ("insertions", manifest.insertions),
            ("files", manifest.files),
        )
    }
    return replace(manifest, **tables)


def without_probe(manifest: Manifest, session_id: str, probe: str) -> Manifest:
    def kept(table: pd.DataFrame) -> pd.DataFrame:
        return table[(table["session_id"] != session_id) | (table["probe"] != probe)].reset_index(drop=True)

    return replace(manifest, insertions=kept(manifest.insertions), files=kept(manifest.files))


def with_resort(manifest: Manifest, session_id: str, probe: str) -> Manifest:
    """Return the manifest with a third sort of one probe, which becomes the default."""
    files = manifest.files
    old = (files["session_id"] == session_id) & (files["probe"] == probe) & (files["revision"] == RESORT)
    new = files[old].assign(revision=NEW_REVISION, md5=files["md5"][old].str[::-1])
    files = files.assign(default_revision=files["default_revision"] & ~old)
    return replace(manifest, files=pd.concat([files, new], ignore_index=True))


def with_fact(manifest: Manifest, table: str, row: int, **values: object) -> Manifest:
    """Return the manifest with facts of one session or insertion."""
    changed = getattr(manifest, table).copy()
    for column, value in values.items():
        changed.loc[row, column] = value
    return replace(manifest, **{table: changed})


def with_notice(manifest: Manifest, text: str) -> Manifest:
    number = str(len(manifest.notices) + 1)
    row = pd.DataFrame({"notice_id": [number], "date": ["2026-01-02"], "text": [text]}, dtype=object)
    return replace(manifest, notices=pd.concat([manifest.notices, NOTICES.conform(row)], ignore_index=True))
