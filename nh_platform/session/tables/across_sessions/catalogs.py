"""The tables over all sessions of a source: catalogs of sessions and units, and published counts against ours.

Add a table here when an asset joins sessions. Tables of one session are in `nh_platform.session.tables`, those of a
release in `nh_platform.session.tables.catalogue.releases`.
"""

from __future__ import annotations

from dataclasses import replace

from nh_platform.session.columns import Column, TableSchema
from nh_platform.session.tables.catalogue.manifest import SESSION_ID
from nh_platform.session.tables.catalogue.released import SESSION_FACTS
from nh_platform.session.tables.units import UNITS

RECONCILIATION = TableSchema(
    "reconciliation",
    (
        Column("count", "string", "-", "Name of the count, for example insertions, units or good_units"),
        Column("meaning", "string", "-", "What is counted, in words"),
        Column("published", "float64", "1", "Count that the release is published with", nullable=True),
        Column("ours", "float64", "1", "Count in the manifest, or in the ingested units", nullable=True),
        Column("state", "string", "-", "equal, known, incomplete, differs, may differ, not counted or not published"),
        Column("explanation", "string", "-", "Why it differs, as far as known; empty where it does not"),
        Column("cited", "string", "-", "Where the published count stands; empty where there is none"),
    ),
    key=("count",),
)

SESSION_CATALOG = TableSchema(
    "session_catalog",
    (
        Column("source", "string", "-", "Source, for example ibl"),
        SESSION_ID,
        Column("subject", "string", "-", "Animal"),
        Column("lab", "string", "-", "Lab; empty where upstream names none"),
        Column("date", "string", "-", "Day of the recording, YYYY-MM-DD; empty where not known"),
        Column("task_protocol", "string", "-", "Task protocol or session type; empty where not known"),
        Column("projects", "string", "-", "Projects, comma-separated; empty where not known"),
        Column("probes", "int64", "1", "Probe insertions that upstream lists"),
        Column("units", "float64", "1", "Units before any filter: ours, else those upstream states", nullable=True),
        Column("good_units", "float64", "1", "Units that pass the active rulebook, reviews included", nullable=True),
        Column("performance", "float64", "1", "Share of correct easy trials, 0 to 1", nullable=True),
        Column("trials", "float64", "1", "Trials, or stimulus presentations where there are none", nullable=True),
        Column("regions", "string", "-", "Beryl regions, most units first, comma-separated"),
        Column("assets", "int64", "1", "Assets of the session that are stored"),
        Column("notes", "int64", "1", "Notes of what those left out or assumed (`nh show` has them)"),
        Column("set_aside", "string", "-", "That reviewers set it aside, or who proposes to; empty where nobody does"),
        Column("qc", "string", "-", "Session QC that upstream states, or what it calls abnormal", nullable=True),
        *SESSION_FACTS,
    ),
    key=("source", "session_id"),
)

UNIT_CATALOG = replace(UNITS, name="unit_catalog", columns=(SESSION_ID, *UNITS.columns), key=("session_id", "unit_id"))
