"""Whether an embedding can be used: finite numbers, features that vary, dimensions that are used, images told apart.

Contains the measures and their limits. Add a measure here when it says so of any encoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nh_platform.embeddings.images.image_encoder import FloatArray
from nh_platform.embeddings.vector_quality import effective_rank

LEAST_RANK = 2.0
"""Effective rank under which an embedding of three images or more says one thing of them alone."""


@dataclass(frozen=True)
class Soundness:
    """Measures of one embedding.

    Parameters
    ----------
    n_not_finite
        Numbers that are NaN or infinite.
    n_constant
        Features that are the same for every image.
    effective_rank
        Dimensions that are used evenly (`nh_platform.embeddings.vector_quality.effective_rank` of features as they
        are); NaN where numbers are not finite.
    n_duplicates
        Images with the vector of an image before them, though their pixels differ.
    n_images, n_features
        Shape of the embedding.
    """

    n_not_finite: int
    n_constant: int
    effective_rank: float
    n_duplicates: int
    n_images: int
    n_features: int

    @property
    def problems(self) -> list[str]:
        """What is wrong, in words; nothing where all is well."""
        found = []
        if self.n_not_finite:
            found.append(f"{self.n_not_finite} numbers are not finite")
        if self.n_images > 1 and self.n_constant == self.n_features:
            found.append("every image has the same vector")
        elif self.n_images > 2 and self.effective_rank < LEAST_RANK:
            found.append(f"its effective rank is {self.effective_rank:.2f}, at least {LEAST_RANK:g} is expected")
        if self.n_duplicates and self.n_constant < self.n_features:
            found.append(f"{self.n_duplicates} images that differ have the vector of another one")
        return found


def measure(vectors: FloatArray, n_distinct_images: int | None = None) -> Soundness:
    """Return the measures of (n_images, n_features) vectors.

    Parameters
    ----------
    vectors
        The embedding.
    n_distinct_images
        Images that differ in a pixel; all where None.

    Examples
    --------
    >>> import numpy as np
    >>> round(measure(np.eye(3, dtype=np.float32)).effective_rank, 6)
    2.0
    """
    n_images, n_features = vectors.shape
    finite = np.isfinite(vectors)
    distinct = n_images if n_distinct_images is None else n_distinct_images
    return Soundness(
        n_not_finite=int((~finite).sum()),
        n_constant=int((vectors == vectors[:1]).all(axis=0).sum()),
        effective_rank=effective_rank(vectors, standardised=False) if finite.all() else float("nan"),
        n_duplicates=max(distinct - len(np.unique(vectors, axis=0)), 0),
        n_images=n_images,
        n_features=n_features,
    )
