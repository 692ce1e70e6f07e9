"""Cell types: their columns in `units`, and the table `optotagging` of what light did to every unit.

Add a column here when units are told apart in one more way. What a type means is decided in
`nh_platform.embeddings.cell_types`. A changed rule is a new definition id.
"""

from nh_platform.session.columns import Column, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE
from nh_platform.session.tables.spikes import UNIT_ID

NARROW, BROAD = "narrow", "broad"
"""Values of the waveform type."""

WAVEFORM_TYPE = Column(
    "nh.waveform_type@1",
    "string",
    "-",
    "narrow: at most 0.4 ms from trough to peak, broad: longer; null without a duration, or where the peak comes first",
    nullable=True,
)

OPTOTAGGED = Column(
    "nh.optotagged@1",
    "float64",
    "-",
    "1 where short pulses of light drive the unit, 0 where not; null where the session has no such pulses",
    nullable=True,
)

CELL_TYPE_COLUMNS = (WAVEFORM_TYPE, OPTOTAGGED)
"""Columns of `units`."""

CELL_TYPES = (NARROW, BROAD, "optotagged")
"""What units are chosen by."""

OPTOTAGGING = TableSchema(
    "optotagging",
    (
        UNIT_ID,
        PROBE,
        Column("n_pulses", "int64", "1", "Pulses of light that the unit is judged by"),
        Column("reliability", "float64", "1", "Share of pulses with a spike 1 to 9 ms after the start", nullable=True),
        Column(
            "baseline_reliability",
            "float64",
            "1",
            "Share of windows of 8 ms with a spike, in the 200 ms before the pulses",
            nullable=True,
        ),
        Column("evoked_rate", "float64", "Hz", "Rate 1 to 9 ms after the start of the pulses", nullable=True),
        Column("baseline_rate", "float64", "Hz", "Rate in the windows before the pulses", nullable=True),
        Column("latency", "float64", "s", "Median time from the start of a pulse to the first spike", nullable=True),
        Column("jitter", "float64", "s", "Standard deviation of that time over pulses", nullable=True),
        Column("p_value", "float64", "1", "Fisher's exact test that pulses have a spike more often", nullable=True),
        Column("q_value", "float64", "1", "The same, corrected for the units of the session", nullable=True),
        Column("optotagged", "float64", "-", OPTOTAGGED.meaning, nullable=True),
    ),
    key=("unit_id",),
)
