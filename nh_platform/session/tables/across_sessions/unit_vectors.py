"""The tables of a training set that make vectors of units: what features and histograms are scaled and projected by.

Add a column here when a set states one more thing about them. How they are fitted is
`nh_platform.embeddings.unit_vectors`.
"""

from nh_platform.session.columns import Column, TableSchema

SET_VECTORS = TableSchema(
    "set_vectors",
    (
        Column("entry", "string", "-", "Entry of the vector: a feature of unit_embeddings, or a component, in order"),
        Column("kind", "string", "-", "feature or component"),
        Column("mean", "float64", "see the feature", "Mean over the training units", nullable=True),
        Column("std", "float64", "see the feature", "Standard deviation over the training units", nullable=True),
        Column("explained_variance", "float64", "1", "Share of the histograms' variance; of components", nullable=True),
        Column("n_units", "int64", "1", "Training units that they are of"),
    ),
    key=("entry",),
)

SET_LOADINGS = TableSchema(
    "set_loadings",
    (
        Column("component", "string", "-", "Component"),
        Column("column", "string", "-", "Bin of a histogram, column of unit_embeddings"),
        Column("center", "float64", "see the feature", "Mean of the bin over the training units"),
        Column("scale", "float64", "see the feature", "What the bin is divided by: root of its histogram's variance"),
        Column("loading", "float64", "1", "Weight of the bin in the component"),
    ),
    key=("component", "column"),
)

SET_FITTED = TableSchema(
    "set_fitted",
    (
        Column("source", "string", "-", "Source"),
        Column("session_id", "string", "-", "Session that the vectors were fitted on"),
        Column("start", "float64", "s", "Start of a stretch of the reference window of its embeddings", nullable=True),
        Column("stop", "float64", "s", "Its end", nullable=True),
        Column("n_units", "int64", "1", "Units of the session that were fitted on"),
    ),
    key=("source", "session_id", "start"),
)

VECTOR_TABLES = (SET_VECTORS, SET_LOADINGS, SET_FITTED)
"""Those that a set with embeddings has; one that was built before there were vectors has none of them."""
