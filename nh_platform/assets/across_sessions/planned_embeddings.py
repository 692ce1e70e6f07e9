"""The embeddings of images that the recipes of a home ask for, each with the key that it would have now.

Contains what is planned, from the recipes, the images and weights that are at hand, and what is stored. Add here what
decides whether an embedding is old. Making one is `image_embeddings`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nh_platform.home.platform import Platform
from nh_platform.session import NhError
from nh_platform.session.tables.across_sessions.images import EMBEDDINGS_FILE, IMAGE_EMBEDDINGS
from nh_platform.store.names import SOURCE_WIDE

if TYPE_CHECKING:
    from nh_platform.embeddings.images.image_encoder import ImageEncoder
    from nh_platform.embeddings.images.recipe import ImageRecipe
    from nh_platform.embeddings.images.weights import Weights
    from nh_platform.history.manifest import SessionFiles

ASSET_NAME = IMAGE_EMBEDDINGS.name
NOT_MADE = "not made"
"""Version of an embedding that cannot be made now: images or weights are not at hand."""


@dataclass(frozen=True)
class Planned:
    """An embedding that a recipe asks for.

    Parameters
    ----------
    image_set, recipe, encoder
        Of which images, how, and by what.
    images_version, images_sha256
        Identity of the files with the images, and of their pixels; empty where the files are not at hand.
    weights
        Those of the encoder; None without, or where they are not at hand.
    key
        Identity of the result; `NOT_MADE` where it cannot be made.
    problem
        Why not; None where it can be.
    """

    image_set: str
    recipe: ImageRecipe
    encoder: ImageEncoder
    images_version: str = ""
    images_sha256: str = ""
    weights: Weights | None = None
    key: str = NOT_MADE
    problem: NhError | None = None

    @property
    def name(self) -> str:
        """``<set>/<embedding>``."""
        return f"{self.image_set}/{self.recipe.id}"


def planned(platform: Platform, source: str, also: tuple[ImageRecipe, ...] = ()) -> Iterator[Planned]:
    """Yield every embedding that the recipes of a source ask for, sorted by set and name.

    A recipe of every set passes over sets whose files are not at hand, unless they are stored with it. ``also`` are
    recipes that go before those of the home.

    Raises
    ------
    ConfigError
        If the file of the recipes has a mistake.
    """
    from nh_platform.embeddings.images.recipe import EVERY_SET
    from nh_platform.reading.images.image_sets import image_set_sessions, image_source
    from nh_platform.reading.images.recipe_file import read_recipes

    forms = image_source(platform, source).image_forms
    sessions = image_set_sessions(platform, source)
    stored = stored_rows(platform, source)
    asked: dict[str, tuple[str, ImageRecipe]] = {}
    for recipe in (*read_recipes(platform.settings.home, source), *also):
        for name in sessions if recipe.image_set == EVERY_SET else (recipe.image_set,):
            # What names its set goes before what is for every set.
            if recipe.image_set != EVERY_SET or f"{name}/{recipe.id}" not in asked:
                asked[f"{name}/{recipe.id}"] = (name, recipe)
    for key, (name, recipe) in sorted(asked.items()):
        is_general = recipe.image_set == EVERY_SET
        if is_general and recipe.form and recipe.form not in forms:
            continue
        one = _plan(platform, source, name, sessions, recipe, stored.get(key))
        if one.images_version or not is_general or key in stored:
            yield one


def _plan(
    platform: Platform,
    source: str,
    name: str,
    sessions: Mapping[str, SessionFiles | None],
    recipe: ImageRecipe,
    stored: Mapping[str, Any] | None,
) -> Planned:
    """Return an embedding that is asked for, with its key or why it has none; ``sessions`` are those of the sets."""
    from nh_platform.embeddings.images.image_encoders import find_image_encoder
    from nh_platform.embeddings.images.preprocessing import find_preprocessing
    from nh_platform.embeddings.images.recipe import embedding_key
    from nh_platform.embeddings.images.weights import find_weights
    from nh_platform.reading.images.image_sets import image_source, known_set
    from nh_platform.session import BadUpstreamData

    encoder = find_image_encoder(recipe.encoder)
    version, weights = "", None
    try:
        version = image_source(platform, source).image_set_version(name, known_set(sessions, source, name))
        if not version:
            action = f"Run `nh embed images {source} {name}`, which fetches them where the source's mode allows it."
            raise BadUpstreamData(f"images {name} of {source}", "their files are not at hand", action)
        if encoder.weights:
            home = platform.settings.home
            cache = home / "cache" / "weights"
            weights = find_weights(
                recipe.weights, encoder.weights, home, preprocessing=recipe.preprocessing, cache_dir=cache
            )
        if stored is not None and stored["images_version"] == version:
            pixels = str(stored["images_sha256"])
        else:
            pixels = images_sha256(platform, source, name, recipe, version)
    except NhError as error:
        return Planned(name, recipe, encoder, version, problem=error)
    identity = "" if weights is None else weights.sha256
    key = embedding_key(pixels, recipe, encoder, identity, find_preprocessing(recipe.preprocessing))
    return Planned(name, recipe, encoder, version, pixels, weights, key)


def images_sha256(platform: Platform, source: str, name: str, recipe: ImageRecipe, version: str) -> str:
    """Return the identity of the pixels of a set, read once per process for a version of their files."""
    return _hash_once(platform, source, name, recipe.form, recipe.fill, version)


@functools.lru_cache(maxsize=64)
def _hash_once(platform: Platform, source: str, name: str, form: str, fill: str, version: str) -> str:
    from nh_platform.reading.images.image_sets import read_images

    return read_images(platform, source, name, form, fill).sha256


def stored_rows(platform: Platform, source: str) -> dict[str, dict[str, Any]]:
    """Return the rows of the stored table by ``<set>/<embedding>``; none where nothing is stored, or it is damaged."""
    from nh_platform.store.codecs.parquet import read_table

    folder = platform.store.usable(source, SOURCE_WIDE, ASSET_NAME)
    if folder is None:
        return {}
    try:
        rows = read_table(folder / EMBEDDINGS_FILE).to_dict("records")
    except NhError:
        return {}
    return {f"{row['image_set']}/{row['embedding']}": {str(k): v for k, v in row.items()} for row in rows}
