"""Embeddings: fixed-length descriptions of a unit, a stimulus image or a moment of a population.

Contains the table `unit_embeddings`, its encoders, the features of a unit's firing and the stretch that they describe.
Add a module per encoder, or bring one by a package of your own. No table is written here: tables go through
`nh_platform.store`, under the schemas of `nh_platform.session`.
"""

from nh_platform.embeddings.reference_windows import REFERENCE_WINDOWS, ReferenceWindow
from nh_platform.embeddings.unit_encoder import UnitActivity, UnitEncoder
from nh_platform.embeddings.unit_encoding import (
    feature_names,
    known_encoders,
    unit_embeddings,
)
from nh_platform.embeddings.unit_features import FEATURES_VERSION

__all__ = [
    "FEATURES_VERSION",
    "REFERENCE_WINDOWS",
    "ReferenceWindow",
    "UnitActivity",
    "UnitEncoder",
    "feature_names",
    "known_encoders",
    "unit_embeddings",
]
