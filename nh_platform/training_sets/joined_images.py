"""The images that join a training set: which embeddings of stimulus images, each pinned by its key.

Contains their choice by a recipe, and whether a store has them still. Add here what a set states of its images.
Embeddings are stored by `nh_platform.reading.images`; their rows beside windows are `nh_platform.load.image_vectors`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import pandas as pd

from nh_platform.load.image_vectors import joined_vectors
from nh_platform.reading.images import ImageEmbedding
from nh_platform.reading.images.stored_embeddings import ASSET, image_embeddings_table, read_image_embedding
from nh_platform.session import ConfigError, NhError, StoreError
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.across_sessions.training_sets import SET_IMAGES
from nh_platform.store import Store
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.training_sets.recipe import Recipe


def joined_images(
    store: Store, recipe: Recipe, only: Mapping[str, Collection[str]] | None = None
) -> list[ImageEmbedding]:
    """Return the embeddings of images that a recipe names, as the store has them now; none where it names none.

    Parameters
    ----------
    store
        The store.
    recipe
        The recipe.
    only
        Image sets by source that join, as of a locked set; those that the recipe means where None.

    Raises
    ------
    StoreError
        If no embedding of a source was made.
    ConfigError
        If there is none of that name, or none of an image set, or two are not made alike; the text says what to do.
    DamagedFile
        If a file of one is not the bytes that were published.
    """
    found: list[ImageEmbedding] = []
    for source, part in recipe.sources.items():
        if part.images:
            stated = part.image_sets if only is None else only.get(source, ())
            sets = _image_sets(store, recipe.id, source, part.images, stated)
            found += [read_image_embedding(store, source, image_set, part.images) for image_set in sets]
    if found:
        joined_vectors(found)  # refuses those that are not made alike
    return found


def _image_sets(store: Store, set_id: str, source: str, embedding: str, stated: Collection[str]) -> list[str]:
    """Return the image sets of a source that join, sorted: those that are stated, else all that have the embedding."""
    thing = f"training set {set_id}, images {embedding} of {source}"
    try:
        table = image_embeddings_table(store, source)
    except StoreError as error:
        raise StoreError(thing, error.found, error.action) from error
    of = sorted(table.loc[table["embedding"] == embedding, "image_set"])
    if not of:
        there = sorted(set(table["embedding"]))
        action = f"Use {', '.join(there) or 'none'}, or make it: `nh embed images {source} --encoder ENCODER`."
        action += close_matches(embedding, there)
        raise ConfigError(thing, "no embedding of that name is stored", action)
    if lacking := sorted(set(stated).difference(of)):
        action = f"Use {', '.join(of)}, or make it: `nh embed images {source} {lacking[0]} --encoder ENCODER`."
        action += close_matches(lacking[0], of)
        raise ConfigError(thing, f"none is stored of the image set {lacking[0]}", action)
    return sorted(stated or of)


def images_table(store: Store, images: Sequence[ImageEmbedding]) -> pd.DataFrame:
    """Return what a set states of its images, schema `SET_IMAGES`."""
    rows = [
        {name: one.facts.get(name) for name in SET_IMAGES.names}
        | {"source": one.source, "data_version": store.data_version(one.source, SOURCE_WIDE, ASSET) or ""}
        for one in images
    ]
    return SET_IMAGES.conform(pd.DataFrame(rows, columns=SET_IMAGES.names))


def image_keys(table: pd.DataFrame) -> dict[str, str]:
    """Return the key of every embedding of a set by ``source/images/set/embedding``."""
    names = zip(table["source"], table["image_set"], table["embedding"])
    return {f"{source}/images/{image_set}/{name}": key for (source, image_set, name), key in zip(names, table["key"])}


def replaced_images(store: Store, table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield every embedding of a set that a store has no longer as the set names it, and what is there instead.

    Compared are keys: an embedding that was taken over while others of its source were made is the same one.
    """
    for source, rows in table.groupby("source", sort=False):
        try:
            stored = image_embeddings_table(store, str(source)).set_index(["image_set", "embedding"])["key"]
        except NhError:
            stored = pd.Series(dtype=object)
        for row in rows.itertuples():
            now = stored.get((row.image_set, row.embedding))
            if now != row.key:
                found = "it is not there any more" if now is None else "another one was made since"
                yield f"images {row.image_set} of {source}, {row.embedding}", found
