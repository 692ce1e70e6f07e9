"""Vectors of stimulus images beside windows: one matrix of all sets that are shown, and which row was on when.

Contains what a window set is given of images, and what of it a session has. Add here what else is known of an image.
Embeddings are stored by `nh_platform.reading.images`; rows of presentations are
`nh_platform.embeddings.images.image_rows`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.images.image_rows import NO_ROW, NOTHING_ON_SCREEN, ImagesOnScreen, images_on_screen
from nh_platform.reading import SessionView
from nh_platform.reading.images import ImageEmbedding
from nh_platform.session import ConfigError

IntArray = npt.NDArray[np.int64]
VectorArray = npt.NDArray[np.float32]


@dataclass(frozen=True, repr=False)
class ImageVectors:
    """The vectors of several image sets, one set behind the other.

    Parameters
    ----------
    vectors
        (n_images, n_features) float32.
    first_rows
        Row at which each set begins, by source and set.
    key
        Identity of all of them.
    """

    vectors: VectorArray
    first_rows: Mapping[tuple[str, str], int]
    key: str

    def __repr__(self) -> str:
        return f"ImageVectors({self.vectors.shape}, sets={sorted(self.first_rows)})"

    def of_source(self, source: str) -> dict[str, int]:
        """Return the row at which each set of a source begins."""
        return {image_set: first for (of, image_set), first in self.first_rows.items() if of == source}

    def n_images(self, source: str, image_set: str) -> int:
        """Return the number of images of a set."""
        first = self.first_rows[source, image_set]
        behind = [row for row in self.first_rows.values() if row > first]
        return min(behind, default=len(self.vectors)) - first


@dataclass(frozen=True)
class ShownImages:
    """What a session's windows show of the images.

    Parameters
    ----------
    vectors
        (n_images, n_features) float32, of all sets of the window set.
    aligned
        (n_windows,) row of the image that the presentation showed to which each window is aligned; -1 where none.
    on_screen
        When which row was on.
    """

    vectors: VectorArray
    aligned: IntArray
    on_screen: ImagesOnScreen

    def vector(self, row: int) -> VectorArray:
        """Return the vector of a row; NaN of none."""
        if row == NO_ROW:
            return np.full(self.vectors.shape[1], np.nan, dtype=np.float32)
        return self.vectors[row]


def joined_vectors(embeddings: ImageEmbedding | Sequence[ImageEmbedding]) -> ImageVectors:
    """Return embeddings of one or several sets as one matrix.

    Raises
    ------
    ConfigError
        If there is none, a set is given twice, or they are not made alike.
    """
    given = [embeddings] if isinstance(embeddings, ImageEmbedding) else list(embeddings)
    if not given:
        raise ConfigError("images", "no embedding is given", "Give `store.image_embedding(source, image_set)`.")
    first_rows: dict[tuple[str, str], int] = {}
    row = 0
    for one in given:
        name = f"embedding {one.name} of {one.image_set}"
        if (one.source, one.image_set) in first_rows:
            raise ConfigError(name, "its set is given twice", "Give every set once.")
        if _made_by(one) != _made_by(given[0]):
            found = f"it is not made as {given[0].name} of {given[0].image_set}: {_made_by(one)}, {_made_by(given[0])}"
            raise ConfigError(name, found, "Give embeddings of one encoder, preprocessing and weights.")
        first_rows[one.source, one.image_set] = row
        row += len(one)
    digest = hashlib.sha256(" ".join(one.key for one in given).encode()).hexdigest()
    return ImageVectors(np.concatenate([one.vectors for one in given]), first_rows, digest)


def shown_images(session: SessionView, preset: str, window_ids: IntArray, images: ImageVectors) -> ShownImages:
    """Return what windows of a session show of the images; nothing where none of the sets is of its source.

    Raises
    ------
    UnknownSession
        If a set is of its source, and the session has no presentations.
    ConfigError
        If an image that was shown is none of its set's embedding.
    """
    first_rows = images.of_source(session.source)
    if not first_rows:  # of a source without images, which trains beside one that has them
        return ShownImages(images.vectors, np.full(len(window_ids), NO_ROW, dtype=np.int64), NOTHING_ON_SCREEN)
    rows = session.image_rows
    for image_set in first_rows:  # each for itself: a row behind the end of a set is that of another image in the next
        last = rows.loc[rows["image_set"] == image_set, "image_row"].max()
        n_images = images.n_images(session.source, image_set)
        if last >= n_images:
            found = f"its presentations name row {last}, and the embedding has {n_images} rows"
            thing = f"images {image_set} of {session.source} session {session.session_id}"
            raise ConfigError(thing, found, "Embed the set again.")
    shown = images_on_screen(rows, first_rows)
    by_id = dict(zip(shown.presentation_ids.tolist(), shown.rows.tolist()))
    aligned = session.windows(preset).shown.aligned[window_ids]
    return ShownImages(
        images.vectors, np.array([by_id.get(one, NO_ROW) for one in aligned.tolist()], dtype=np.int64), shown
    )


def _made_by(one: ImageEmbedding) -> tuple[str, ...]:
    names = ("encoder", "encoder_version", "preprocessing", "precision", "weights_sha256")
    return tuple(str(one.facts[name]) for name in names)
