"""The tables of units and of valid time in a pack of spikes.

Add a column here when readers of a pack need one more fact of a unit.
"""

from nh_platform.session.columns import Column, TableSchema

PACK_UNITS = TableSchema(
    "pack_units",
    (
        Column("id", "string", "-", "Id of the unit in the pack: <source>/<session>/<unit>"),
        Column("source", "string", "-", "Source"),
        Column("session_id", "string", "-", "Upstream session id"),
        Column("unit_id", "string", "-", "Upstream unit id"),
        Column("subject", "string", "-", "Animal; empty where upstream names none"),
        Column("lab", "string", "-", "Laboratory; empty where upstream names none"),
        Column("date", "string", "-", "Day of the recording, YYYY-MM-DD; empty where not known"),
        Column("probe", "string", "-", "Probe name within the session"),
        Column("insertion_id", "string", "-", "Upstream probe insertion id; empty where not known"),
        Column("region", "string", "-", "Beryl acronym, the Allen one where there is none; empty where not known"),
        Column("allen", "string", "-", "Allen structure acronym; empty where not known"),
        Column("beryl", "string", "-", "Region in the Beryl parcellation; empty where not known"),
        Column("cosmos", "string", "-", "Region in the Cosmos parcellation; empty where not known"),
        Column("depth", "float64", "um", "Depth from the probe tip", nullable=True),
        Column("rulebook", "string", "-", "Rulebook of label and good; empty where units were not judged"),
        Column("label", "float64", "1", "Share of the rulebook's rules that the unit passes", nullable=True),
        Column("good", "bool", "-", "Whether the unit passes the rulebook, reviews included"),
        Column("n_spikes", "int64", "1", "Spikes of the unit"),
    ),
    key=("id",),
)

PACK_VALID_TIME = TableSchema(
    "pack_valid_time",
    (
        Column("source", "string", "-", "Source"),
        Column("session_id", "string", "-", "Upstream session id"),
        Column("probe", "string", "-", "Probe name within the session"),
        Column("start_time", "float64", "s", "Start of a stretch that no invalid interval or pause overlaps"),
        Column("stop_time", "float64", "s", "End of the stretch"),
    ),
    key=("source", "session_id", "probe", "start_time"),
)

PACK_UNIT_INVALID_TIMES = TableSchema(
    "pack_unit_invalid_times",
    (
        Column("id", "string", "-", "Unit: source, session and upstream unit id, as in the table of units"),
        Column("start_time", "float64", "s", "Start of the interval in which the unit is not valid"),
        Column("stop_time", "float64", "s", "End of that interval"),
        Column("label", "string", "-", "Who marked it, and why"),
    ),
)
