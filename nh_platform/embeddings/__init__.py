"""Embeddings: fixed-length descriptions of a unit, a stimulus image or a moment of a population.

Contains a folder for each thing that is described: `units`, with the table `unit_embeddings` and its encoders. Add a
folder for another thing, or bring an encoder of units by a package of your own. No table is written here: tables go
through `nh_platform.store`, under the schemas of `nh_platform.session`.
"""

from nh_platform.embeddings.units.reference_windows import REFERENCE_WINDOWS, ReferenceWindow
from nh_platform.embeddings.units.unit_encoder import UnitActivity, UnitEncoder
from nh_platform.embeddings.units.unit_encoding import (
    feature_names,
    known_encoders,
    unit_embeddings,
)
from nh_platform.embeddings.units.unit_features import FEATURES_VERSION

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
