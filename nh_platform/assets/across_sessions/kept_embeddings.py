"""Embeddings of images that are stored already: what of them is taken over into a new version.

Vectors are copied once verified, and measured by today's measures. Add here what may be kept where it cannot be made
anew. Which embeddings are wanted is `planned_embeddings`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nh_platform.assets.across_sessions.planned_embeddings import ASSET_NAME, Planned
from nh_platform.home.platform import Platform
from nh_platform.session import DamagedFile, NhError
from nh_platform.session.tables.across_sessions.images import NAMES_FILE
from nh_platform.store.names import SOURCE_WIDE


def measures(row: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the measures of an embedding that was taken over, which are those of one that is made now."""
    import numpy as np

    from nh_platform.embeddings.vector_quality import vector_quality

    found = vector_quality(np.load(folder / str(row["file"]), allow_pickle=False), scaled=False)
    return {name: getattr(found, name) for name in ("n_not_finite", "n_constant", "effective_rank")}


def kept_of_before(
    platform: Platform,
    source: str,
    one: Planned,
    row: Mapping[str, Any],
    folder: Path,
    names: dict[str, tuple[str, ...]],
) -> str:
    """Take over what is stored of the same images where it could not be made anew; return that in words, else nothing.

    Its row says by which encoder and weights it was made.
    """
    if one.problem is not None or row["images_sha256"] != one.images_sha256:
        return ""
    try:
        names[one.image_set] = _take_over(platform, source, row, folder)
    except NhError:
        return ""
    return " anew, and is kept as it was"


def taken_over(
    platform: Platform, source: str, one: Planned, row: Mapping[str, Any], folder: Path
) -> tuple[str, ...] | None:
    """Take over a stored embedding, as `_take_over`; None where it is damaged and can be made again.

    Raises
    ------
    DamagedFile
        If it is damaged, and its images or weights are not at hand.
    """
    try:
        return _take_over(platform, source, row, folder)
    except DamagedFile:
        if one.problem is not None:
            raise
        return None


def _take_over(platform: Platform, source: str, row: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Copy the vectors of a stored embedding, once verified; return the names of the images."""
    from nh_platform.store.codecs.parquet import read_table
    from nh_platform.store.file_hashes import verified

    before = platform.store.folder(source, SOURCE_WIDE, ASSET_NAME)
    target = folder / str(row["file"])
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(verified(before / str(row["file"])), target)
    names = read_table(before / NAMES_FILE)
    names = names[names["image_set"] == row["image_set"]].sort_values("image_row")
    return tuple(names["image_name"])
