"""Embeddings: fixed-length descriptions of a unit, a stimulus image or a moment of a population.

Contains the features of a unit's firing. Add a module per kind of embedding. No file is written here: tables go through
`nh_platform.store`, under the schemas of `nh_platform.session`.
"""

from nh_platform.embeddings.unit_features import (
    FEATURES_VERSION,
    REFERENCE_WINDOWS,
    ReferenceWindow,
    feature_names,
    unit_embeddings,
)

__all__ = ["FEATURES_VERSION", "REFERENCE_WINDOWS", "ReferenceWindow", "feature_names", "unit_embeddings"]
