"""The table `unit_embeddings`: one row per unit, features as columns of one pattern.

Add the table of another embedding here. What a feature means is said where it is computed.
"""

from nh_platform.session.columns import Column, ColumnPattern, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE
from nh_platform.session.tables.spikes import UNIT_ID

FEATURE = ColumnPattern(
    r"[a-z][a-z0-9_]*",
    ("float32", "float64"),
    "see the feature",
    "Feature of the unit; NaN where it is undefined",
    shown="<feature>",
)

UNIT_EMBEDDINGS = TableSchema(
    "unit_embeddings",
    (
        UNIT_ID,
        PROBE,
        Column("n_spikes", "int64", "1", "Valid spikes of the unit in the reference window"),
        Column(
            "is_silent",
            "bool",
            "-",
            "Whether the unit fires too little there to be described: fewer than 8 pairs of neighbouring intervals",
        ),
    ),
    patterns=(FEATURE,),
    key=("unit_id",),
)
