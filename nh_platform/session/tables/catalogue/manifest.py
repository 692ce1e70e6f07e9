"""The tables of a manifest: sessions, probe insertions and files of a release, with identity of content.

Add a column here when what upstream lists has one more that the platform keeps. Nothing here is read or written.
"""

from nh_platform.session.columns import Column, TableSchema

SESSION_ID = Column("session_id", "string", "-", "Upstream session id: IBL eid or Allen ecephys_session_id")

PROBE = Column("probe", "string", "-", "Probe name within the session, for example probe00 or probeA")

SESSIONS = TableSchema(
    "sessions",
    (
        SESSION_ID,
        Column("subject", "string", "-", "Animal"),
        Column("lab", "string", "-", "Laboratory", nullable=True),
        Column("date", "string", "-", "Recording day, YYYY-MM-DD", nullable=True),
        Column("number", "uint16", "1", "Number of the session on that day"),
        Column("task_protocol", "string", "-", "Task protocol (IBL) or session type (Allen)", nullable=True),
        Column("projects", "string", "-", "Projects, comma-joined", nullable=True),
        Column("n_units_released", "float64", "1", "Units that upstream states, before any filter", nullable=True),
        Column("regions", "string", "-", "Region acronyms that upstream states, comma-joined", nullable=True),
        Column("performance", "float64", "1", "Share of correct easy trials that upstream states, 0-1", nullable=True),
        Column("qc", "string", "-", "Session QC that upstream states", nullable=True),
        Column("extended_qc", "string", "-", "Single checks of the session's QC, as one JSON object", nullable=True),
    ),
    key=("session_id",),
)

INSERTIONS = TableSchema(
    "insertions",
    (
        SESSION_ID,
        Column("insertion_id", "string", "-", "Upstream probe insertion id: IBL pid or Allen probe id"),
        PROBE,
        Column("qc", "string", "-", "Insertion QC that upstream states", nullable=True),
        Column("alignment_resolved", "string", "-", "Whether the alignment is final: yes or no", nullable=True),
        Column("alignment_stored", "string", "-", "Alignment that upstream serves, by its time", nullable=True),
    ),
    key=("session_id", "insertion_id"),
)

LEFT_OUT = TableSchema(
    "left_out",
    (
        Column("session_id", "string", "-", "Session that upstream lists, or its folder; empty for a stray insertion"),
        Column("insertion_id", "string", "-", "Insertion that upstream lists; empty for the whole session"),
        Column("reason", "string", "-", "Why it is not taken, in a few words"),
        Column("found", "string", "-", "What was found of it"),
    ),
    key=("session_id", "insertion_id"),
)

FILES = TableSchema(
    "files",
    (
        SESSION_ID,
        Column("probe", "string", "-", "Probe that the file belongs to; empty for the whole session"),
        Column("group", "string", "-", "Asset groups that read it, comma-joined, or other"),
        Column("collection", "string", "-", "Upstream collection (ALF folder), for example alf/probe00/pykilosort"),
        Column("revision", "string", "-", "Upstream revision; empty where unrevised"),
        Column("name", "string", "-", "File name"),
        Column(
            "md5",
            "string",
            "-",
            "Hash of the content as upstream states it: md5, or blake2b of Visual Behavior",
            nullable=True,
        ),
        Column("size", "float64", "byte", "Size that upstream states; never identity", nullable=True),
        Column("qc", "string", "-", "Dataset QC that upstream states", nullable=True),
        Column("default_revision", "bool", "-", "Whether upstream serves this revision by default"),
        Column("tags", "string", "-", "Release tags, comma-joined", nullable=True),
        Column("dataset_id", "string", "-", "Upstream dataset id", nullable=True),
        Column("url", "string", "-", "Where upstream serves it", nullable=True),
    ),
    key=("session_id", "collection", "revision", "name"),
)
