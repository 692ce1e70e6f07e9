"""From images to vectors, batch by batch.

Contains the one loop. Encoders, preprocessings and weights stand in their own modules.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from nh_platform.embeddings.images.image_encoder import FloatArray, ImageEncoder
from nh_platform.embeddings.images.image_encoders import installed_image_encoders
from nh_platform.embeddings.images.preprocessing import find_preprocessing
from nh_platform.embeddings.images.recipe import ImageRecipe
from nh_platform.session import ConfigError
from nh_platform.session.image_set import ImageSet
from nh_platform.session.installed import package_named

BATCH_SIZE = 32
COMPUTES = ("numpy", "pillow", "scikit-image")
"""Packages that compute the vector of every image, and those of encoders with weights."""
COMPUTES_WITH_WEIGHTS = ("torch", "transformers")
SMALLEST_PX = 8
"""Smaller images are a mistake and not a stimulus; Visual Coding's have 304 px and more."""


def embed_images(
    images: ImageSet,
    recipe: ImageRecipe,
    encoder: ImageEncoder,
    weights: Path | None = None,
    *,
    batch_size: int = BATCH_SIZE,
    on_done: Callable[[int], None] | None = None,
) -> FloatArray:
    """Return the vector of every image of a set.

    Parameters
    ----------
    images
        The set, uint8.
    recipe
        Preprocessing and precision.
    encoder
        That of the recipe.
    weights
        Folder of the weights, of an encoder that has any.
    batch_size
        Images that are encoded at a time.
    on_done
        Called with the number of images that are done, after each batch.

    Returns
    -------
    numpy.ndarray
        (n_images, n_features) float32.

    Raises
    ------
    ConfigError
        If the images are of another type or smaller than `SMALLEST_PX`, the encoder does not take the preprocessing,
        the weights cannot be read, or the encoder returns something else.
    """
    _check(images)
    if recipe.preprocessing not in encoder.preprocessings:
        raise ConfigError(
            f"encoder {encoder.name}",
            f"it does not take the preprocessing {recipe.preprocessing}",
            f"Use {' or '.join(encoder.preprocessings)}.",
        )
    if encoder.weights and weights is None:
        raise ConfigError(f"encoder {encoder.name}", "it needs weights", "State their folder: --weights FOLDER.")
    package = installed_image_encoders().packages.get(encoder.name)
    with package_named(f"image encoder {encoder.name}", package, "it cannot embed the images"):
        encode = encoder.open(weights, recipe.precision)
    prepare = find_preprocessing(recipe.preprocessing).open(weights)
    parts: list[FloatArray] = []
    for first in range(0, len(images), batch_size):
        prepared = prepare(images.pixels[first : first + batch_size])
        with package_named(f"image encoder {encoder.name}", package, "it cannot embed the images"):
            made = np.asarray(encode(prepared), dtype=np.float32)
        if (
            made.ndim != 2
            or len(made) != len(prepared)
            or not made.size
            or (parts and made.shape[1] != parts[0].shape[1])
        ):
            found = (
                f"returned numbers of shape {made.shape} for {len(prepared)} images, expected (n_images, n_features)"
            )
            raise ConfigError(f"image encoder {encoder.name}", found, "Correct the package that brings it.")
        parts.append(made)
        if on_done is not None:
            on_done(first + len(made))
    return np.concatenate(parts)


def computing_packages(encoder: ImageEncoder) -> str:
    """Return the packages that compute the vectors of an encoder, with their installed versions, comma-joined.

    Examples
    --------
    >>> from nh_platform.embeddings.images.image_encoders import find_image_encoder
    >>> [one.split()[0] for one in computing_packages(find_image_encoder("gabor-pyramid")).split(", ")]
    ['numpy', 'pillow', 'scikit-image']
    """
    brought = installed_image_encoders().packages.get(encoder.name)
    names = [*COMPUTES, *(COMPUTES_WITH_WEIGHTS if encoder.weights else ()), *([brought] if brought else ())]
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _check(images: ImageSet) -> None:
    """Stop where pixels are not grey levels of one byte.

    Raises
    ------
    ConfigError
        Naming the set, what was found and what is expected.
    """
    pixels, thing = images.pixels, f"images {images.name} of {images.source}"
    if pixels.ndim != 3 or not len(pixels) or len(pixels) != len(images):
        found = f"they have the shape {pixels.shape} and {len(images)} names, expected (n_images, height, width)"
        raise ConfigError(thing, found, "Check the templates.")
    if pixels.dtype != np.uint8:
        found = f"their type is {pixels.dtype}, expected uint8 grey levels 0-255"
        raise ConfigError(thing, found, "Take unwarped images with a fill that is a level, and not with NaN.")
    if min(pixels.shape[1:]) < SMALLEST_PX:
        found = f"they are {pixels.shape[1]} × {pixels.shape[2]} px, expected {SMALLEST_PX} px at least"
        raise ConfigError(thing, found, "Check the templates.")
