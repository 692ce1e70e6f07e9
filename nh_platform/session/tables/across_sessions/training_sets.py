"""The tables of a training set: its sessions, stretches, units, windows, statistics, and the versions it is made of.

Add a column here when a set states one more thing. How a set is chosen is `nh_platform.training_sets`.
"""

from nh_platform.session.columns import Column, TableSchema

TRAINING_SET = "training_set"
"""Name of the asset that holds them."""

_SOURCE = Column("source", "string", "-", "Source")
_SESSION = Column("session_id", "string", "-", "Session")
_SPLIT = Column("split", "string", "-", "train, valid or test")
_PRESET = Column("preset", "string", "-", "Window preset")

SET_SESSIONS = TableSchema(
    "set_sessions",
    (
        _SOURCE,
        Column("release", "string", "-", "Release that the catalogue of the source showed"),
        _SESSION,
        Column("subject", "string", "-", "Animal"),
        Column("lab", "string", "-", "Laboratory"),
        Column(
            "split",
            "string",
            "-",
            "train, valid or test; divided where set_ranges has its stretches; reserved, held_out or not_drawn where "
            "nothing of it trains",
        ),
        Column("why", "string", "-", "Why nothing of it trains: the list, the laboratory, the size of the subset"),
        Column("insertion_ids", "string", "-", "Probe insertions, comma-joined"),
        Column("n_units", "int64", "1", "Units that are used"),
    ),
    key=("source", "session_id"),
)

SET_RANGES = TableSchema(
    "set_ranges",
    (
        _SOURCE,
        _SESSION,
        _SPLIT,
        Column("start", "float64", "s", "Start of the stretch, included"),
        Column("stop", "float64", "s", "End of the stretch, excluded"),
    ),
    key=("source", "session_id", "split", "start"),
)

SET_UNITS = TableSchema(
    "set_units",
    (
        _SOURCE,
        _SESSION,
        Column("unit_id", "string", "-", "Unit, in the order of the session"),
        Column("probe", "string", "-", "Probe"),
        Column("region", "string", "-", "Beryl acronym, the Allen one where there is none", nullable=True),
    ),
    key=("source", "session_id", "unit_id"),
)

SET_WINDOWS = TableSchema(
    "set_windows",
    (
        _SOURCE,
        _SESSION,
        _PRESET,
        _SPLIT,
        Column("n_windows", "int64", "1", "Valid windows that lie in the split as a whole"),
        Column("seconds", "float64", "s", "Their length together; windows that overlap count each"),
    ),
    key=("source", "session_id", "preset", "split"),
)

SET_STATISTICS = TableSchema(
    "set_statistics",
    (
        _SOURCE,
        _SESSION,
        Column("unit_id", "string", "-", "Unit"),
        _PRESET,
        Column("mean", "float64", "1", "Mean count per bin of the training windows, masked bins left out"),
        Column("std", "float64", "1", "Standard deviation of the same counts"),
        Column("n_bins", "int64", "1", "Bins that they are of"),
    ),
    key=("source", "session_id", "unit_id", "preset"),
)

SET_NORMALISED = TableSchema(
    "set_normalised",
    (
        _SOURCE,
        _SESSION,
        Column("start", "float64", "s", "Start of a stretch of windows that statistics were computed on"),
        Column("stop", "float64", "s", "Its end"),
    ),
    key=("source", "session_id", "start"),
)

SET_VERSIONS = TableSchema(
    "set_versions",
    (
        _SOURCE,
        _SESSION,
        Column("asset", "string", "-", "Asset that windows are read from"),
        Column("data_version", "string", "-", "Its data version"),
    ),
    key=("source", "session_id", "asset"),
)

SET_IMAGES = TableSchema(
    "set_images",
    (
        _SOURCE,
        Column("image_set", "string", "-", "Image set"),
        Column("embedding", "string", "-", "Name of the embedding among those of the set"),
        Column("key", "string", "-", "Identity of its vectors: the set is read with these and no others"),
        Column("data_version", "string", "-", "Data version of `image_embeddings` when the training set was built"),
        Column("encoder", "string", "-", "Encoder"),
        Column("encoder_version", "string", "-", "Version of the encoder's code"),
        Column("preprocessing", "string", "-", "seed-guide or processor, with its version behind @"),
        Column("precision", "string", "-", "float32 or bfloat16"),
        Column("form", "string", "-", "shown; warped or unwarped images of Visual Behavior"),
        Column("fill", "string", "-", "What took the place of pixels outside of the picture; empty without any"),
        Column("weights_sha256", "string", "-", "Identity of the weights; empty where the encoder has none"),
        Column("n_images", "int64", "1", "Images of the set"),
        Column("n_features", "int64", "1", "Length of a vector"),
    ),
    key=("source", "image_set"),
)
"""Of a set whose recipe names images."""

SET_TABLES = (SET_SESSIONS, SET_RANGES, SET_UNITS, SET_WINDOWS, SET_STATISTICS, SET_NORMALISED, SET_VERSIONS)
