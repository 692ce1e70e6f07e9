"""The tables of `windows`: the index, one row per window, and the masked bins.

Add a column here when every window gets one more. Counts are arrays and lie in HDF5 beside these tables.
"""

from nh_platform.session.columns import Column, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE

WINDOW_INDEX = TableSchema(
    "window_index",
    (
        Column("window_id", "int64", "1", "Row of the window within its preset"),
        Column("preset", "string", "-", "Window preset"),
        Column("start", "float64", "s", "Start of the window, included"),
        Column("stop", "float64", "s", "End of the window, excluded"),
        Column("start_bin", "int64", "1", "First bin on the session grid; -1 where the window has a grid of its own"),
        Column("n_bins", "int64", "1", "Number of bins"),
        Column("alignment", "string", "-", "Event that the window is aligned to; none for continuous windows"),
        Column("event_id", "int64", "1", "Row of the event in its table; -1 for continuous windows"),
        Column("event_time", "float64", "s", "Time of the event; NaN for continuous windows", nullable=True),
        Column(
            "valid",
            "bool",
            "-",
            "False where an invalid interval of all probes or the stimulus overlaps, the event is not valid, or the "
            "window reaches beyond the recorded time or into a pause of it",
        ),
        Column("invalid_probes", "string", "-", "Probes with an overlapping invalid interval, comma-joined"),
    ),
    key=("preset", "window_id"),
)

WINDOW_MASKS = TableSchema(
    "window_masks",
    (
        Column("grid", "string", "-", "Counts that are masked: grid_<bin width>us or the id of an aligned preset"),
        Column("window_id", "int64", "1", "Window of the aligned preset; -1 for the grid of the whole session"),
        PROBE,
        Column("start_bin", "int64", "1", "First masked bin; all units of the probe are 0 there"),
        Column("stop_bin", "int64", "1", "First bin after the masked ones"),
    ),
    key=("grid", "window_id", "probe", "start_bin"),
)
