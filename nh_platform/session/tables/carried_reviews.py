"""The table of reviews whose unit was sorted again, stored with `units`: proposed for another unit, or orphans.

Add a column here when more is known of such a review. What the reviews say is in the review files.
"""

from nh_platform.session.columns import Column, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE

CARRIED_REVIEWS = TableSchema(
    "carried_reviews",
    (
        Column(
            "review", "string", "-", "Id of a review that does not count, since its spikes are not those of its unit"
        ),
        Column("reviewed_unit", "string", "-", "Unit id that it names"),
        PROBE,
        Column("standing", "string", "-", "proposed: a unit has most of the reviewed spikes; orphan: none has"),
        Column("unit", "string", "-", "That unit; of an orphan the one that agrees most", nullable=True),
        Column("agreement", "float64", "1", "Agreement of the spike trains: matches / (n1 + n2 - matches)"),
    ),
    key=("review", "reviewed_unit"),
)
