"""The table `units` and the patterns of its columns: positions, metrics, verdicts, reasons, labels.

Add a column here when every unit gets one more. What a metric means is said by its definition in `nh_platform.qc`.
"""

from nh_platform.session.columns import Column, ColumnPattern, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE
from nh_platform.session.tables.cell_types import CELL_TYPE_COLUMNS
from nh_platform.session.tables.spikes import RAW_UNITS, UNIT_ID

CCF_ML_MEANING = "Allen CCF position, left to right; right to left in Allen's own sessions"
"""As the source states it; docs/coordinates.md says how this is known."""

_POSITION_COLUMNS = (
    Column("atlas_id", "int64", "-", "Allen CCF 2017 structure id, unsigned; 0 where outside or unlocated"),
    Column("acronym", "string", "-", "Allen structure acronym", nullable=True),
    Column("beryl", "string", "-", "Region in the Beryl parcellation (IBL)", nullable=True),
    Column("cosmos", "string", "-", "Region in the Cosmos parcellation (IBL)", nullable=True),
    Column("ccf_ap_um", "float64", "um", "Allen CCF position, anterior to posterior", nullable=True),
    Column("ccf_dv_um", "float64", "um", "Allen CCF position, dorsal to ventral", nullable=True),
    Column("ccf_ml_um", "float64", "um", CCF_ML_MEANING, nullable=True),
    Column("x_m", "float64", "m", "IBL position from bregma, positive on the right of the animal", nullable=True),
    Column("y_m", "float64", "m", "IBL position from bregma, anterior positive", nullable=True),
    Column("z_m", "float64", "m", "IBL position from bregma, dorsal positive", nullable=True),
    Column("histology", "string", "-", "Where the position comes from: alf, allen, lab, or unlocated"),
)

UNIT_INVALID_TIMES = TableSchema(
    "unit_invalid_times",
    (
        UNIT_ID,
        Column("start_time", "float64", "s", "Start of the interval in which the unit is not valid"),
        Column("stop_time", "float64", "s", "End of that interval"),
        Column("label", "string", "-", "Who marked it, and why"),
    ),
)

UNIT_POSITIONS = TableSchema("unit_positions", (UNIT_ID, *_POSITION_COLUMNS), key=("unit_id",))

CHANNEL_POSITIONS = TableSchema(
    "channel_positions",
    (PROBE, Column("channel", "int64", "1", "Row of the channel within its probe"), *_POSITION_COLUMNS),
    key=("probe", "channel"),
)

RELEASED = ColumnPattern(
    r"released\.[A-Za-z0-9_]+",
    ("float64", "float32", "int64", "uint8", "bool", "string"),
    "see the metric",
    "Metric or label as the release states it",
    shown="released.<name>",
)

RECOMPUTED = ColumnPattern(
    r"[a-z][a-z0-9]*\.[A-Za-z0-9_]+@[0-9A-Za-z.\-]+",
    ("float64", "float32", "int64", "uint8", "bool"),
    "see the metric",
    "Metric recomputed from the spikes, by definition id",
    shown="<definition id>",
)

CURATED_PREFIX = "curated."
"""Of columns with labels of other curators and tools, ``curated.<curator>.<label set>``."""

CURATED = ColumnPattern(
    r"curated\.[a-z0-9][a-z0-9_\-]*\.[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?",
    ("string", "float64"),
    "-",
    "Label of another curator or tool: a word, a number, or 1 and 0 for yes and no; null where not labelled",
    shown="curated.<curator>.<label set>",
)


def _per_rulebook(name: str, dtype: str, unit: str, meaning: str, *, per_rule: bool = False) -> ColumnPattern:
    """Return the columns of that name, one per rulebook or one per rule of it; none of them is ever null."""
    pattern, shown = rf"{name}\.[a-z0-9\-]+", f"{name}.<rulebook>"
    if per_rule:
        pattern, shown = rf"{pattern}\.[a-z0-9_]+", f"{shown}.<rule>"
    return ColumnPattern(pattern, (dtype,), unit, meaning, shown=shown, nullable=False)


LABEL = _per_rulebook("label", "float64", "1", "Share of the rulebook's rules that the unit passes; 1 is a good unit")
FAILED_BITS = _per_rulebook("failed", "uint32", "-", "Failed rules as bits, in the order of the rulebook; 0 is none")
FALLBACK_BITS = _per_rulebook(
    "fallback", "uint32", "-", "Rules whose fallback judges the unit, as bits; absent where no rule has a fallback"
)
REASON = _per_rulebook("reason", "string", "-", "Why the unit fails the rulebook, in words; empty where it passes")
RULE = _per_rulebook("rule", "bool", "-", "Whether the unit passes the rule", per_rule=True)
PASS = _per_rulebook("pass", "bool", "-", "Whether the unit is good by the rulebook, reviews included")

UNITS = TableSchema(
    "units",
    (
        *RAW_UNITS.columns,
        *_POSITION_COLUMNS,
        *CELL_TYPE_COLUMNS,
        Column("review", "string", "-", "Decision of the counted reviews: pass, fail, or none"),
    ),
    patterns=(RELEASED, RECOMPUTED, CURATED, LABEL, FAILED_BITS, FALLBACK_BITS, REASON, RULE, PASS),
    key=("unit_id",),
)
