"""Stored embeddings of images: one of them with its names, and the table of all of a source.

Contains the reader of the asset `image_embeddings`. Add here what is asked of an embedding. Computing one is
`nh_platform.embeddings.images`; which image a presentation showed is `image_rows` there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError, DamagedFile, StoreError
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.across_sessions.images import EMBEDDINGS_FILE, IMAGE_EMBEDDINGS, NAMES_FILE
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.file_hashes import verified
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.store.objects.address import shown

ASSET = IMAGE_EMBEDDINGS.name


@dataclass(frozen=True, repr=False)
class ImageEmbedding:
    """The vectors of the images of one set.

    Parameters
    ----------
    source, image_set, name
        Whose, of which set, and its name among those of the set.
    vectors
        (n_images, n_features) float32; row ``i`` is the image that `session.image_rows` calls ``i``.
    image_names
        (n_images,) names.
    facts
        Its row of the table: encoder, preprocessing, weights, precision, key, and how sound it is.
    """

    source: str
    image_set: str
    name: str
    vectors: npt.NDArray[np.float32]
    image_names: tuple[str, ...]
    facts: dict[str, Any]

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"ImageEmbedding({self.source!r}, {self.image_set!r}, {self.name!r}, {self.vectors.shape})"

    @property
    def key(self) -> str:
        """Identity: images, encoder, weights, preprocessing, precision and form."""
        return str(self.facts["key"])

    def of(self, rows: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the vectors of rows of any shape, NaN where a row is -1.

        Raises
        ------
        ConfigError
            If a row is none of the set.
        """
        at = np.asarray(rows, dtype=np.int64)
        if at.size and not -1 <= at.min() <= at.max() < len(self.vectors):
            found = f"rows {at.min()} to {at.max()} are asked for, and it has 0 to {len(self.vectors) - 1}"
            raise ConfigError(f"embedding {self.name} of {self.image_set}", found, "Use rows of `image_rows`.")
        found_rows = self.vectors[np.maximum(at, 0)]
        found_rows[at < 0] = np.nan
        return found_rows


def image_embeddings_table(store: Store, source: str) -> pd.DataFrame:
    """Return one row per stored embedding of a source, schema `IMAGE_EMBEDDINGS`.

    Raises
    ------
    StoreError
        If none was made; the text says how.
    """
    folder = store.current(source, SOURCE_WIDE, ASSET)
    if folder is None:
        near = "" if source in store.sources() else close_matches(source, store.sources())
        action = f"Run `nh embed images {source}`, where the source has images of stimuli.{near}"
        raise StoreError(f"source {source}", f"the store {store.address} has no {ASSET} of it", action)
    return read_table(folder / EMBEDDINGS_FILE)


def read_image_embedding(store: Store, source: str, image_set: str, name: str = "gabor-pyramid") -> ImageEmbedding:
    """Return one embedding of a set.

    Parameters
    ----------
    store
        The store.
    source, image_set, name
        Which one; ``embedding`` of the table has the names.

    Raises
    ------
    StoreError
        If none of the source was made.
    ConfigError
        If the set has no such embedding; the text names those it has, and how one is made.
    DamagedFile
        If its bytes are not those that were published.
    """
    table = image_embeddings_table(store, source)
    of_set = table[table["image_set"] == image_set]
    if of_set.empty:
        there = sorted(set(table["image_set"]))
        action = f"Run `nh embed images {source} {image_set}`, or use {', '.join(there) or 'none'}."
        action += close_matches(image_set, there)
        raise ConfigError(f"image set {image_set!r}", f"no embedding of it is stored for {source}", action)
    row = of_set[of_set["embedding"] == name]
    if row.empty:
        there = of_set["embedding"].tolist()
        action = f"Use {', '.join(there)}, or run `nh embed images {source} {image_set} --encoder {name}`."
        action += close_matches(name, there)
        raise ConfigError(f"embedding {name!r} of {image_set}", "it is not stored", action)
    folder = store.folder(source, SOURCE_WIDE, ASSET)
    facts = row.iloc[0].to_dict()
    path = folder / facts["file"]
    try:
        vectors = np.load(verified(path), allow_pickle=False)
    except ValueError as error:
        raise DamagedFile(shown(path), f"it cannot be read: {error}", f"Run `nh embed images {source}`.") from error
    names = read_table(folder / NAMES_FILE)
    names = names[names["image_set"] == image_set].sort_values("image_row")["image_name"]
    return ImageEmbedding(source, image_set, name, vectors, tuple(names), facts)
