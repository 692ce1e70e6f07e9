"""What upstream holds: the manifest of a source, the identity of each session's files, and what a source must offer.

Contains the manifest model shared by all sources, the per-group content versions, and the `Source` protocol. Add here
what every source needs. Reading an upstream format belongs to the folder of that source; no upstream client is
imported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from nh_platform.session import Behavior, RawRecording, Session, UnitAnnotation, UnknownSession
from nh_platform.session.schemas import FILES, INSERTIONS, SESSIONS

GROUPS = ("spikes", "behavior", "alignment", "qc")
"""Asset groups with an identity of their own; files of any other group are listed but never read.

A file that feeds several groups names them all, comma-joined: an NWB file is one file with the whole session in it.
"""


def read_by(files: pd.DataFrame, groups: Iterable[str]) -> pd.Series:
    """Return, per row of a table of schema `FILES`, whether a default-revision file of one of ``groups``."""
    wanted = frozenset(groups)
    by_group = {text: not wanted.isdisjoint(text.split(",")) for text in files["group"].unique()}
    return files["group"].map(by_group).astype(bool) & files["default_revision"]


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
    """

    session: Session
    insertions: pd.DataFrame
    files: pd.DataFrame

    def of_group(self, group: str) -> pd.DataFrame:
        """Return the default-revision files that the asset group ``group`` reads."""
        return self.files[read_by(self.files, (group,))].reset_index(drop=True)

    def version(self, group: str) -> str:
        """Return the content identity of a group: sha256 over its sorted (collection, revision, name, md5).

        Dataset QC is part of the ``qc`` group alone, so a QC change never touches the spikes. Sizes and timestamps
        are never part of it (knowledge of the releases: both are wrong or move without a change upstream).
        """
        digest = hashlib.sha256()
        rows = self.of_group(group)
        for row in sorted(zip(rows["collection"], rows["revision"], rows["name"], rows["md5"].fillna(""))):
            digest.update("\x1f".join(row).encode() + b"\n")
        if group == "qc":
            read = self.files[read_by(self.files, GROUPS)]
            for row in sorted(zip(read["collection"], read["revision"], read["name"], read["qc"].fillna(""))):
                digest.update("\x1f".join(row).encode() + b"\n")
        return digest.hexdigest()


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
    """

    source: str
    release: str
    sessions: pd.DataFrame
    insertions: pd.DataFrame
    files: pd.DataFrame

    def __post_init__(self) -> None:
        SESSIONS.validate(self.sessions)
        INSERTIONS.validate(self.insertions)
        FILES.validate(self.files)

    @property
    def session_ids(self) -> list[str]:
        """Session ids, most spike bytes first, so that a backfill is not left waiting for one heavy session."""
        spikes = self.files[read_by(self.files, ("spikes",))]
        size = spikes.groupby("session_id")["size"].sum()
        ids = self.sessions["session_id"]
        order = pd.DataFrame({"id": ids, "size": ids.map(size).fillna(0.0)})
        return order.sort_values(["size", "id"], ascending=[False, True])["id"].tolist()

    def session(self, session_id: str) -> SessionFiles:
        """Return one session's part.

        Raises
        ------
        UnknownSession
            If the manifest does not list it.
        """
        rows = self.sessions[self.sessions["session_id"] == session_id]
        if len(rows) == 0:
            raise UnknownSession(
                f"session {session_id}",
                f"the manifest of {self.source} ({self.release}, {len(self.sessions)} sessions) does not list it",
                f"Run `nh sync {self.source}` and `nh sessions --source {self.source}` to see what is there.",
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
        files = self.files[self.files["session_id"] == session_id]
        return SessionFiles(
            session=session,
            insertions=self.insertions[self.insertions["session_id"] == session_id].reset_index(drop=True),
            files=files.sort_values(["collection", "revision", "name"]).reset_index(drop=True),
        )

    def version(self) -> str:
        """Return the identity of the whole manifest: sha256 over all its rows in a fixed order."""
        digest = hashlib.sha256()
        for schema, table in ((SESSIONS, self.sessions), (INSERTIONS, self.insertions), (FILES, self.files)):
            ordered = table[[n for n in schema.names if n != "size"]].sort_values(list(schema.key))
            digest.update(ordered.to_csv(index=False, lineterminator="\n").encode())
        return digest.hexdigest()


class Source(Protocol):
    """What a dataset offers to the platform. One folder in `nh_platform.sources` implements it.

    All three readers raise `BadUpstreamData` naming the file when upstream's bytes cannot be used; an optional
    dataset that is missing becomes NaN and a note.
    """

    @property
    def name(self) -> str:
        """Name of the source, for example ``ibl``."""

    @property
    def title(self) -> str:
        """What a person calls it, for example ``IBL Brain-wide Map``."""

    def manifest(self) -> Manifest:
        """Read what upstream holds now. Downloads no session data."""

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read the verified sorting of one session."""

    def read_behavior(self, session: SessionFiles) -> Behavior:
        """Read the events and signals of one session."""

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read released metrics, labels and positions for ``units`` (schema `RAW_UNITS`), row by row."""
