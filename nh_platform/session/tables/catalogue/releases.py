"""The tables that describe releases: notices, what was withdrawn, and what a release changed.

Add a table here when the history of a catalogue needs one. What a release holds (sessions, insertions, files) is in
`manifest`; no comparison is made here.
"""

from __future__ import annotations

from nh_platform.session.columns import Column, TableSchema

NOTICES = TableSchema(
    "notices",
    (
        Column("notice_id", "string", "-", "Upstream id of the notice"),
        Column("date", "string", "-", "Day that upstream states, YYYY-MM-DD", nullable=True),
        Column("text", "string", "-", "What upstream says"),
        Column("title", "string", "-", "Its name, where it has a text beside", nullable=True),
        Column(
            "importance", "string", "-", "CRITICAL, MAJOR, MINOR or INSIGNIFICANT, or upstream's number", nullable=True
        ),
        Column("version_affected", "string", "-", "Version of the software that it concerns", nullable=True),
        Column("affected_dates", "string", "-", "Days that it concerns, first and last, joined by /", nullable=True),
        Column(
            "datasets", "string", "-", "Ids of the datasets that it concerns, sorted and comma-joined", nullable=True
        ),
    ),
    key=("notice_id",),
)

TOMBSTONES = TableSchema(
    "tombstones",
    (
        Column("session_id", "string", "-", "Session that upstream withdrew, or that lost the insertion"),
        Column("insertion_id", "string", "-", "Insertion that was withdrawn; empty for the session itself"),
        Column("probe", "string", "-", "Probe of the insertion; empty for the session itself"),
        Column("last_seen", "int64", "1", "Number of the last snapshot that listed it"),
        Column("gone_since", "int64", "1", "Number of the first snapshot without it"),
        Column("returned_in", "float64", "1", "Number of the snapshot that listed it again", nullable=True),
    ),
    key=("session_id", "insertion_id", "gone_since"),
)

RELEASE_CHANGES = TableSchema(
    "release_changes",
    (
        Column("kind", "string", "-", "What happened, in the words of `ChangeKind`"),
        Column("session_id", "string", "-", "Session; empty for what concerns the whole source"),
        Column("probe", "string", "-", "Probe; empty for the whole session"),
        Column("insertion_id", "string", "-", "Upstream probe insertion id", nullable=True),
        Column("group", "string", "-", "Asset group of the files; empty where no file that is read is concerned"),
        Column("n_files", "int64", "1", "Files concerned"),
        Column("before", "string", "-", "State before", nullable=True),
        Column("after", "string", "-", "State after", nullable=True),
        Column("what", "string", "-", "The change in words"),
    ),
)

RELEASE_TABLES = TableSchema(
    "release_tables",
    (
        Column("name", "string", "-", "Table of the whole release, for example project_metadata/units.csv"),
        Column("md5", "string", "-", "Hash of its content: md5, or blake2b as Visual Behavior states it"),
        Column("rows", "float64", "1", "Rows of it; null where it is not at hand", nullable=True),
        Column("columns", "string", "-", "Its columns, comma-joined; null where it is not at hand", nullable=True),
    ),
    key=("name",),
)
