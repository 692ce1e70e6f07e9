"""The tables of the QC site of a release: sessions with their standing, rules by group, and outliers.

Add a column here when the site states one more thing of each. How they are counted is `nh_platform.reports.site`.
"""

from nh_platform.session.columns import Column, TableSchema
from nh_platform.session.tables.catalogue.manifest import SESSION_ID

SITE_SESSIONS = TableSchema(
    "qc_site_sessions",
    (
        SESSION_ID,
        Column("subject", "string", "-", "Animal; empty where it is not known"),
        Column("lab", "string", "-", "Laboratory; empty where it is not known"),
        Column("date", "string", "-", "Day of the recording, YYYY-MM-DD; empty where it is not known"),
        Column("insertions", "int64", "1", "Probe insertions that the release lists"),
        Column("standing", "string", "-", "made, gated, set aside, not made, failed or unreadable"),
        Column("why", "string", "-", "Why its units are not counted, in words; empty where they are"),
        Column("units", "float64", "1", "Units before any filter; null where none is here", nullable=True),
        Column("good_units", "float64", "1", "Units that pass the rules in force, reviews included", nullable=True),
        Column("share", "float64", "1", "Good units of all, 0 to 1", nullable=True),
        Column("outliers", "int64", "1", "Numbers of its insertions that lie far from those of the release"),
        Column("label_differs", "int64", "1", "Units whose upstream label says otherwise than the rules"),
        Column("pending", "int64", "1", "Reviewed things that wait for another reader"),
        Column("conflict", "int64", "1", "Reviewed things on which reviewers disagree"),
        Column("questions", "int64", "1", "Questions of reviewers that nobody answered"),
        Column("report", "string", "-", "Path of its page from the site's index; empty where there is none"),
        Column("report_lacking", "string", "-", "Why there is no page, in words; empty where there is one"),
    ),
    key=("session_id",),
)

SITE_RULES = TableSchema(
    "qc_site_rules",
    (
        Column(
            "by", "string", "-", "What the release is divided by: release (not at all), lab, region, probe or month"
        ),
        Column("group", "string", "-", "Name of the lab, region, probe or month; all for the whole release"),
        Column("rule", "string", "-", "Rule of the rulebook in force"),
        Column("units", "int64", "1", "Units of the group"),
        Column("passing", "int64", "1", "Units that pass the rule"),
        Column("failing", "int64", "1", "Units that fail it"),
        Column("without_value", "int64", "1", "Units without a value; the rule says what that counts as"),
        Column("share", "float64", "1", "Passing of those counted, 0 to 1; null where none is", nullable=True),
    ),
    key=("by", "group", "rule"),
)

SITE_OUTLIERS = TableSchema(
    "qc_site_outliers",
    (
        SESSION_ID,
        Column("probe", "string", "-", "Probe within the session"),
        Column("number", "string", "-", "The number that lies far from those of the other insertions, in words"),
        Column("value", "float64", "see unit", "Its value"),
        Column("unit", "string", "-", "Unit of measure of value and median"),
        Column("median", "float64", "see unit", "Median over the insertions of the release"),
        Column("score", "float64", "1", "Modified z-score: 0.6745 (value - median) / MAD"),
        Column("units", "int64", "1", "Units of the insertion"),
        Column("text", "string", "-", "The same in words"),
    ),
    key=("session_id", "probe", "number"),
)
