"""The tables of `stimulus_tensors`: presentations and units on the axes of the arrays.

Add a column here when every tensor gets one more label. Conventions stand in `nh_platform.windows.presentations`.
"""

from nh_platform.session.columns import Column, ColumnPattern, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE
from nh_platform.session.tables.spikes import UNIT_ID

STIMULUS_PRESENTATIONS = TableSchema(
    "stimulus_presentations",
    (
        Column("presentation_id", "int64", "1", "Row of `presentations` in `events`; a movie has its first frame's"),
        Column("stimulus_name", "string", "-", "Stimulus as upstream names it"),
        Column("stimulus_type", "string", "-", "Type that it is filed under; variants with more repeats are joined"),
        Column("stimulus_block", "float64", "1", "Block of the session", nullable=True),
        Column("start_time", "float64", "s", "Start of the presentation"),
        Column("stop_time", "float64", "s", "End of the presentation"),
        Column("duration", "float64", "s", "Duration that the filter holds against the median"),
        Column("n_frames", "int64", "1", "Rows of `presentations` that were joined; 1 for all but movies"),
        Column("blank", "bool", "-", "Whether no stimulus was shown: a sweep without parameters, or scene -1"),
    ),
    patterns=(
        ColumnPattern(
            r"[A-Za-z][A-Za-z0-9_]*",
            ("float64",),
            "see the stimulus",
            "Stimulus parameter; NaN where the stimulus has no such one",
            shown="<parameter>",
        ),
    ),
    key=("presentation_id",),
)

STIMULUS_UNITS = TableSchema(
    "stimulus_units",
    (
        UNIT_ID,
        PROBE,
        Column("structure", "string", "-", "Allen structure acronym, the group that the unit is filed under"),
        Column("row", "int64", "1", "Row of the unit in the units table"),
    ),
    key=("unit_id",),
)
