"""The manifest of a source: every session, insertion and file that upstream holds, and one session's part of it.

Add a field here that every source can state. What identifies the content is `identity`; reading an upstream format
belongs to the folder of that source.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
import pandas as pd

from nh_platform.history.identity import group_versions, read_by, version_of
from nh_platform.history.registered_ids import see_sessions
from nh_platform.session import Session, UnknownSession
from nh_platform.session.columns import TableSchema
from nh_platform.session.session_names import session_named
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, LEFT_OUT, SESSIONS
from nh_platform.session.tables.catalogue.releases import NOTICES, RELEASE_TABLES
from nh_platform.session.tables.change_detection import BEHAVIOR_SESSIONS

_NO_IDENTITY = ("size", "rows", "columns")
"""Columns that say nothing which the hashes do not, and are known only where a file is at hand."""


@dataclass(frozen=True)
class SessionFiles:
    """One session's rows of the manifest.

    Parameters
    ----------
    session
        The session.
    insertions
        Schema `INSERTIONS`, this session's rows.
    files
        Schema `FILES`, this session's rows, sorted by collection, revision, name.
    qc
        Session QC that upstream states, None where it states none.
    extended_qc
        Its single checks, one JSON object; None where upstream states none.
    """

    session: Session
    insertions: pd.DataFrame
    files: pd.DataFrame
    qc: str | None = None
    extended_qc: str | None = None

    @property
    def session_id(self) -> str:
        """Id of the session."""
        return self.session.session_id

    @property
    def source(self) -> str:
        """Name of its source."""
        return self.session.source

    def of_group(self, group: str) -> pd.DataFrame:
        """Return the default-revision files that the asset group ``group`` reads."""
        return self.files[read_by(self.files, (group,))].reset_index(drop=True)

    def version(self, group: str) -> str:
        """Return the content version of an asset group; see `nh_platform.history.identity.group_versions`."""
        return self._versions[group]

    @functools.cached_property
    def _versions(self) -> dict[str, str]:
        facts = {"session_id": [self.session_id], "qc": [self.qc], "extended_qc": [self.extended_qc]}
        (versions,) = group_versions(pd.DataFrame(facts), self.insertions, self.files).values()
        return versions

    def memberships(self) -> dict[str, int]:
        """Return how many of the files are in each release, by release tag; no part of the identity."""
        tags = [tag for text in self.files["tags"].dropna() for tag in text.split(",") if tag]
        return {tag: tags.count(tag) for tag in sorted(set(tags))}


@dataclass(frozen=True)
class Manifest:
    """Every session, insertion and file that upstream holds, with its hash.

    Parameters
    ----------
    source
        Name of the source.
    release
        Name of the release, tag or revision policy that it shows.
    sessions, insertions, files
        Schemas `SESSIONS`, `INSERTIONS`, `FILES`.
    notices
        Schema `NOTICES`; empty where upstream publishes none, or the account cannot see them.
    behavior_sessions
        Schema `BEHAVIOR_SESSIONS`: sessions of behaviour, most without a recording; they are catalogued and are no
        sessions of the platform, since they have no spikes. Empty for most sources.
    left_out
        Schema `LEFT_OUT`: what upstream lists and the source does not take, with the reason.
    release_tables
        Schema `RELEASE_TABLES`: the tables of the whole release and their hashes; empty where there are none.
    selection
        The settings that choose which sessions are listed, on one line; empty where the source has none or does not
        say. Sessions that join because it changed were chosen by a person and are no new release. No part of the
        identity.
    facts_as_of
        Moment by upstream's own clock up to which every fact that upstream states one session at a time is in it; empty
        where there are none, or not all were asked for. No part of the identity.
    """

    source: str
    release: str
    sessions: pd.DataFrame
    insertions: pd.DataFrame
    files: pd.DataFrame
    notices: pd.DataFrame = field(default_factory=NOTICES.empty)
    behavior_sessions: pd.DataFrame = field(default_factory=BEHAVIOR_SESSIONS.empty)
    left_out: pd.DataFrame = field(default_factory=LEFT_OUT.empty)
    release_tables: pd.DataFrame = field(default_factory=RELEASE_TABLES.empty)
    selection: str = ""
    facts_as_of: str = ""

    def __post_init__(self) -> None:
        for schema, table in self.tables():
            schema.validate(table)

    def tables(self) -> tuple[tuple[TableSchema, pd.DataFrame], ...]:
        """Return every table with its schema, in a fixed order; the last three only where they have rows."""
        tables = (SESSIONS, self.sessions), (INSERTIONS, self.insertions), (FILES, self.files), (NOTICES, self.notices)
        others = (
            (BEHAVIOR_SESSIONS, self.behavior_sessions),
            (LEFT_OUT, self.left_out),
            (RELEASE_TABLES, self.release_tables),
        )
        return (*tables, *(pair for pair in others if len(pair[1])))

    def left_out_counts(self) -> dict[str, int]:
        """Return how many sessions and insertions are left out, by reason, the most frequent first."""
        counts = self.left_out["reason"].value_counts()
        return {str(reason): int(n) for reason, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))}

    def spike_bytes(self) -> pd.Series:
        """Return the size of the files of each session's spikes [bytes] by its id; without files it is left out."""
        spikes = self.files[read_by(self.files, ("spikes",))]
        return spikes.groupby("session_id")["size"].sum()

    @property
    def session_ids(self) -> list[str]:
        """Session ids, most spike bytes first, so that a backfill is not left waiting for one heavy session."""
        ids = self.sessions["session_id"]
        order = pd.DataFrame({"id": ids, "size": ids.map(self.spike_bytes()).fillna(0.0)})
        return order.sort_values(["size", "id"], ascending=[False, True])["id"].tolist()

    def session_named(self, asked: str) -> str:
        """Return the id of the session that a person means by its id, an insertion's, or the first characters of one.

        Raises
        ------
        UnknownSession
            As of `nh_platform.session.session_names.session_named`.
        """
        listed = self._positions["sessions"]
        where = f"the manifest ({self.release})"
        action = see_sessions(self.source)
        return session_named(asked, listed, self.source, where, action, self.session_of_insertion)

    @functools.cached_property
    def session_of_insertion(self) -> dict[str, str]:
        """Session of each probe insertion, by its id."""
        return dict(zip(self.insertions["insertion_id"], self.insertions["session_id"]))

    def session(self, session_id: str) -> SessionFiles:
        """Return one session's part.

        Raises
        ------
        UnknownSession
            If the manifest does not list it.
        """
        rows = self._rows_of(self.sessions, session_id, "sessions")
        if len(rows) == 0:
            raise UnknownSession(
                f"session {session_id}",
                f"the manifest of {self.source} ({self.release}, {len(self.sessions)} sessions) does not list it",
                see_sessions(self.source),
            )
        row = rows.iloc[0]
        session = Session(
            source=self.source,
            session_id=session_id,
            subject=row["subject"],
            lab=row["lab"] or "",
            date=row["date"] or "",
            number=int(row["number"]),
            task_protocol=row["task_protocol"] or "",
            projects=row["projects"] or "",
        )
        files = self._rows_of(self.files, session_id, "files")
        return SessionFiles(
            session=session,
            insertions=self._rows_of(self.insertions, session_id, "insertions").reset_index(drop=True),
            files=files.sort_values(["collection", "revision", "name"]).reset_index(drop=True),
            qc=row["qc"] if isinstance(row["qc"], str) else None,
            extended_qc=row["extended_qc"] if isinstance(row["extended_qc"], str) else None,
        )

    @functools.cached_property
    def _positions(self) -> dict[str, dict[Any, npt.NDArray[Any]]]:
        """Row numbers by session: comparing 210,000 ids anew for each of 1,000 sessions took 10 s."""
        return {schema.name: table.groupby("session_id").indices for schema, table in self.tables()[:3]}

    def _rows_of(self, table: pd.DataFrame, session_id: str, name: str) -> pd.DataFrame:
        positions = self._positions[name].get(session_id)
        return table.iloc[:0] if positions is None else table.take(positions)

    def version(self) -> str:
        """Return the identity of the whole manifest: sha256 over all its rows in a fixed order, without sizes."""
        return self._version

    @functools.cached_property
    def _version(self) -> str:
        parts = []
        for schema, table in self.tables():
            names = [name for name in schema.names if name not in _NO_IDENTITY]
            # 0.5 s for 210,000 rows, 1.3 s through a sorted CSV
            columns = (table[name].fillna("").astype(str).to_numpy() for name in names)
            parts += [f"{schema.name}\n", *sorted("\x1f".join(row) + "\n" for row in zip(*columns))]
        return version_of(parts)
