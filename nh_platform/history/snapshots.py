"""The stored manifests of a source: one snapshot for every state of upstream that differed, none ever removed.

Contains the codec of `release_manifest`, the list of snapshots and how a new one is stored. Add a table here when a
manifest gains one. Nothing here talks to upstream or decides what to run; what changed is `release_diff`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nh_platform.history.earlier_groups import with_current_groups
from nh_platform.history.manifest import Manifest
from nh_platform.session import DamagedFile, UnknownSession
from nh_platform.session.columns import TableSchema
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, LEFT_OUT, SESSIONS
from nh_platform.session.tables.catalogue.releases import NOTICES, RELEASE_TABLES, TOMBSTONES
from nh_platform.session.tables.change_detection import BEHAVIOR_SESSIONS
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.file_hashes import is_stored, verified
from nh_platform.store.layout import Store
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.store.provenance import Provenance

ASSET = "release_manifest"
ID_DIGITS = 12
"""Digits of a manifest's version by which a snapshot is called."""

_RELEASE_FILE = "release.txt"
_NUMBER_DIGITS = 6
"""A text of more digits is an id."""

_SCHEMAS = (SESSIONS, INSERTIONS, FILES, NOTICES, BEHAVIOR_SESSIONS, LEFT_OUT, RELEASE_TABLES)
_TABLES = {schema.name: schema for schema in _SCHEMAS}


@dataclass(frozen=True)
class Snapshot:
    """One stored manifest.

    Parameters
    ----------
    source
        Name of the source.
    number
        Its place in the history, from 1.
    folder
        Where its tables are.
    is_current
        Whether it is the one that counts.
    """

    source: str
    number: int
    folder: Path
    is_current: bool

    @functools.cached_property
    def version(self) -> str:
        """Identity of the manifest's content, 64 hexadecimal digits; a state that returns has the same one."""
        return Provenance.read(self.folder).inputs.get("upstream", "")

    @property
    def id(self) -> str:
        """Short form of the version."""
        return self.version[:ID_DIGITS]

    @property
    def release(self) -> str:
        """Name of the release, tag, freeze or revision policy that it shows."""
        return self._release_lines[1]

    @property
    def selection(self) -> str:
        """Settings that chose what it lists; empty where the source does not say, or it was stored before it did."""
        return self._release_lines[2]

    @property
    def facts_as_of(self) -> str:
        """Moment up to which facts of single sessions are in it; empty where it does not say."""
        return self._release_lines[3]

    @functools.cached_property
    def _release_lines(self) -> list[str]:
        """Source, release, selection and moment; empty text for what is not stated."""
        try:
            lines = verified(self.folder / _RELEASE_FILE).read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            lines = []
        return [*lines, "", "", "", ""][:4]

    def rows(self, table: str) -> int:
        """Return the number of rows of one of its tables without reading it; 0 where it cannot be read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return int(pq.read_metadata(verified(self.folder / f"{table}.parquet")).num_rows)
        except (OSError, pa.ArrowException, DamagedFile):
            return 0

    def manifest(self, files_named: str | None = None) -> Manifest:
        """Read it.

        Parameters
        ----------
        files_named
            Regular expression found in the names of the files whose rows are read; all where None. They are nine
            tenths of it: without them it is read in a third of the time.

        Raises
        ------
        StoreError
            If a table is missing or damaged.
        """
        tables = {name: _read(self.folder, schema) for name, schema in _TABLES.items() if schema is not FILES}
        matching = None if files_named is None else ("name", files_named)
        tables[FILES.name] = with_current_groups(_read(self.folder, FILES, matching))
        return self._of_tables(tables)

    def part(self, session_id: str) -> Manifest:
        """Read the rows of one session alone, none where it is not listed; of other tables nothing.

        To make an asset needs no more: with 459 sessions the whole takes 0.1 to 0.2 CPU s, and this a fifth of it.

        Raises
        ------
        StoreError
            If a table is missing or damaged.
        """
        equal = "session_id", session_id
        tables = {schema.name: _read(self.folder, schema, equal=equal) for schema in (SESSIONS, INSERTIONS, FILES)}
        return self._of_tables({**tables, FILES.name: with_current_groups(tables[FILES.name])})

    def _of_tables(self, tables: Mapping[str, pd.DataFrame]) -> Manifest:
        stated = {"release": self.release, "selection": self.selection, "facts_as_of": self.facts_as_of}
        return Manifest(source=self.source, **stated, **tables)

    def tombstones(self) -> pd.DataFrame:
        """Read what had been withdrawn when it was taken: schema `TOMBSTONES`."""
        return _read(self.folder, TOMBSTONES)


def list_snapshots(store: Store, source: str) -> list[Snapshot]:
    """Return every stored manifest of a source, oldest first; none where it was never synced."""
    history = store.history(source, SOURCE_WIDE, ASSET)
    last = max(history, default=0)
    return [Snapshot(source, number, folder, number == last) for number, folder in history.items()]


def find_snapshot(store: Store, source: str, wanted: str | int | None = None) -> Snapshot:
    """Return one snapshot by its number, the first digits of its id (7 or more), or its release's name.

    Of several with that id or name the last counts. None, ``latest`` and ``previous`` are names as well.

    Raises
    ------
    UnknownSession
        If there is none; the text says which there are.
    """
    snapshots = list_snapshots(store, source)
    if not snapshots:
        raise UnknownSession(
            f"source {source}",
            f"no release manifest is in the store {store.address}",
            f"Run `nh sync {source}` first; it reads the catalogue and downloads nothing.",
        )
    text = "latest" if wanted is None else str(wanted)
    if text in ("latest", "previous"):
        found = snapshots[-1:] if text == "latest" else snapshots[-2:-1]
    elif text.isdigit() and len(text) <= _NUMBER_DIGITS:
        found = [snapshot for snapshot in snapshots if snapshot.number == int(text)]
    else:
        found = [
            s for s in snapshots if (len(text) > _NUMBER_DIGITS and s.version.startswith(text)) or s.release == text
        ]
    if not found:
        first, last = snapshots[0].number, snapshots[-1].number
        raise UnknownSession(
            f"snapshot {text} of {source}",
            f"the store has snapshots {first} to {last} and none of that number, id or release",
            f"Run `nh releases list {source}` to see them.",
        )
    return found[-1]


def read_manifest(store: Store, source: str, snapshot: str | int | None = None) -> Manifest:
    """Read a stored manifest of ``source``, the last one where none is named.

    Raises
    ------
    UnknownSession
        If the source was never synced, or has no such snapshot.
    StoreError
        If a table is damaged.
    """
    return find_snapshot(store, source, snapshot).manifest()


def write_manifest(folder: Path, manifest: Manifest, tombstones: pd.DataFrame | None = None) -> None:
    """Write a manifest into ``folder``, rows in the order of their keys so that equal manifests are equal bytes."""
    stones = TOMBSTONES.empty() if tombstones is None else tombstones
    tables: Mapping[TableSchema, pd.DataFrame] = {**dict(manifest.tables()), TOMBSTONES: stones}
    for schema, table in tables.items():
        write_table(folder / f"{schema.name}.parquet", table.sort_values(list(schema.key), ignore_index=True), schema)
    lines = [manifest.source, manifest.release, manifest.selection, manifest.facts_as_of]
    (folder / _RELEASE_FILE).write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8")


def _read(
    folder: Path,
    schema: TableSchema,
    matching: tuple[str, str] | None = None,
    equal: tuple[str, str] | None = None,
) -> pd.DataFrame:
    path = folder / f"{schema.name}.parquet"
    if schema not in (SESSIONS, INSERTIONS, FILES) and not is_stored(path):
        return schema.empty()  # stored before there was such a table, or without a row for it
    table = read_table(path, matching=matching, equal=equal)
    if list(table.columns) == schema.names:
        return table
    return schema.conform(table)
