"""Whether an embedding of images can be used: finite numbers, features that vary, images told apart.

Contains the limits, in words. What is measured is `nh_platform.embeddings.vector_quality`, as of every kind of vector.
"""

from __future__ import annotations

from nh_platform.embeddings.vector_quality import VectorQuality
from nh_platform.session.display import counted

LEAST_RANK = 2.0
"""Effective rank under which an embedding of three images or more says one thing of them alone."""


def problems_of(measured: VectorQuality) -> list[str]:
    """Return what is wrong with an embedding of images, in words; nothing where all is well.

    Examples
    --------
    >>> import numpy as np
    >>> from nh_platform.embeddings.vector_quality import vector_quality
    >>> problems_of(vector_quality(np.ones((4, 2)), scaled=False))
    ['every image has the same vector']
    """
    found, one = [], measured
    if one.n_not_finite:
        found.append(f"{counted(one.n_not_finite, 'vector')} with numbers that are not finite")
    n_finite = one.n_vectors - one.n_not_finite
    if n_finite > 1 and one.n_constant == one.n_columns:
        found.append("every image has the same vector")
    elif n_finite > 2 and one.effective_rank < LEAST_RANK:
        found.append(f"its effective rank is {one.effective_rank:.2f}, at least {LEAST_RANK:g} is expected")
    if one.n_duplicates and one.n_constant < one.n_columns:
        have = "has" if one.n_duplicates == 1 else "have"
        found.append(f"{counted(one.n_duplicates, 'image')} {have} the vector of another one that differs")
    return found
