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
from nh_platform.session.display import counted

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
    names
        Names of the images of each set, in the order of their rows.
    key
        Identity of all of them.
    """

    vectors: VectorArray
    first_rows: Mapping[tuple[str, str], int]
    names: Mapping[tuple[str, str], tuple[str, ...]]
    key: str

    def __repr__(self) -> str:
        return f"ImageVectors({self.vectors.shape}, sets={sorted(self.first_rows)})"

    def of_source(self, source: str) -> dict[str, int]:
        """Return the row at which each set of a source begins."""
        return {image_set: first for (of, image_set), first in self.first_rows.items() if of == source}


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
    names = {(one.source, one.image_set): one.image_names for one in given}
    return ImageVectors(np.concatenate([one.vectors for one in given]), first_rows, names, digest)


def shown_images(session: SessionView, preset: str, window_ids: IntArray, images: ImageVectors) -> ShownImages:
    """Return what windows of a session show of the images; nothing where none of the sets is of its source.

    Raises
    ------
    UnknownSession
        If a set is of its source, and the session has no presentations.
    ConfigError
        If an image that was shown is none of its set's embedding, or the session has the set in another order.
    """
    first_rows = images.of_source(session.source)
    if not first_rows:  # of a source without images, which trains beside one that has them
        return ShownImages(images.vectors, np.full(len(window_ids), NO_ROW, dtype=np.int64), NOTHING_ON_SCREEN)
    require_images(session, images)
    shown = images_on_screen(session.image_rows, first_rows)
    by_id = dict(zip(shown.presentation_ids.tolist(), shown.rows.tolist()))
    aligned = session.windows(preset).shown.aligned[window_ids]
    return ShownImages(
        images.vectors, np.array([by_id.get(one, NO_ROW) for one in aligned.tolist()], dtype=np.int64), shown
    )


def require_images(session: SessionView, images: ImageVectors) -> None:
    """Stop where rows of a session are those of other images than the embeddings have: vectors would be of these.

    Raises
    ------
    UnknownSession, ConfigError
        As of `shown_images`.
    """
    if not images.of_source(session.source):
        return
    rows = session.image_rows
    largest = rows.groupby("image_set")["image_row"].max()
    stated = session.events.get("image_templates")
    for image_set in images.of_source(session.source):
        names = images.names[session.source, image_set]
        thing = f"images {image_set} of {session.source} session {session.session_id}"
        row = int(largest.get(image_set, NO_ROW))
        if row >= len(names):  # it would be an image of the next set
            found = f"its presentations name row {row}, and the embedding has {counted(len(names), 'row')}"
            raise ConfigError(thing, found, "Embed the set again.")
        if stated is None:
            continue
        of_set = stated[stated["image_set"] == image_set]
        for at, name in zip(of_set["image_index"].tolist(), of_set["image_name"].tolist()):
            has = names[at] if at < len(names) else "not there"
            if has != name:
                found = f"its image {at} is {name}, and that of the embedding is {has}"
                raise ConfigError(thing, found, "Embed the set as this session has it, in another home.")


def _made_by(one: ImageEmbedding) -> tuple[str, ...]:
    names = ("encoder", "encoder_version", "preprocessing", "precision", "weights_sha256")
    return tuple(str(one.facts[name]) for name in names)
