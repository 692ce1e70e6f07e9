"""The table of `spike_events`: one row per spike of the session, in the order of time.

Add a column here when every spike gets one more there. Spikes grouped by unit are `nh_platform.session.tables.spikes`.
"""

from nh_platform.session.columns import Column, TableSchema

SPIKE_EVENTS = TableSchema(
    "spike_events",
    (
        Column("times", "float64", "s", "Time of the spike on the session clock, ascending, bit-exact as upstream"),
        Column("unit_row", "uint16", "1", "Row of the unit in units; uint32 above 65,536 units"),
    ),
)
