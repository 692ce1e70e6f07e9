"""The recipe of an embedding of images: encoder, preprocessing, weights, precision, form of the images.

Contains the model and the key that it makes with the images and the weights. Add a field here when embeddings of the
same images differ by one more thing. Which recipes a home has is `nh_platform.reading.images.recipe_file`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nh_platform.embeddings.images.image_encoder import SEED_GUIDE, ImageEncoder
from nh_platform.embeddings.images.preprocessing import Preprocessing

DEFAULT_ENCODER = "gabor-pyramid"
EVERY_SET = "every"
Fill = Literal["grey", "black", "white", "mean"]


class ImageRecipe(BaseModel):
    """How the images of a set are embedded.

    Parameters
    ----------
    image_set
        Name of the set, or ``every`` for all that are at hand.
    encoder
        Name of an encoder, or ``hf:owner/model``.
    preprocessing
        ``seed-guide`` or ``processor``.
    weights
        Folder of the weights, from the home folder; those of the hub's cache where empty.
    precision
        ``float32``, or ``bfloat16`` for matrix products in half the bits.
    form
        ``warped`` (as on the monitor) or ``unwarped`` images of Visual Behavior; the default of the source where empty.
    fill
        Level that takes the place of pixels outside of an unwarped picture: ``grey`` (127), ``black``, ``white``,
        ``mean``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image_set: Annotated[str, Field(min_length=1)] = EVERY_SET
    encoder: str = DEFAULT_ENCODER
    preprocessing: Literal["seed-guide", "processor"] = "seed-guide"
    weights: str = ""
    precision: Literal["float32", "bfloat16"] = "float32"
    form: Literal["", "warped", "unwarped"] = ""
    fill: Fill = "grey"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.fill != "grey" and self.form != "unwarped":
            raise ValueError("fill is of use with form unwarped alone")
        return self

    @property
    def id(self) -> str:
        """Name of the embedding among those of its set: the encoder, and what is not as by default.

        Examples
        --------
        >>> ImageRecipe(encoder="hf:google/vit-base", preprocessing="processor", form="unwarped", fill="mean").id
        'hf-google-vit-base_processor_unwarped-mean'
        """
        parts = [re.sub(r"[^A-Za-z0-9.]+", "-", self.encoder)]
        parts += [self.preprocessing] * (self.preprocessing != SEED_GUIDE)
        parts += [self.precision] * (self.precision != "float32")
        parts += [f"unwarped-{self.fill}"] * (self.form == "unwarped")
        return "_".join(parts)


def embedding_key(
    images_sha256: str, recipe: ImageRecipe, encoder: ImageEncoder, weights_sha256: str, preprocessing: Preprocessing
) -> str:
    """Return the identity of an embedding: sha256 over images, encoder, weights, preprocessing, precision and form.

    Where the weights lie is not in it, nor what they are called.
    """
    lines = (
        f"images {images_sha256}",
        f"encoder {encoder.name} {encoder.version}",
        f"weights {weights_sha256}",
        f"preprocessing {preprocessing.name} {preprocessing.version}",
        f"precision {recipe.precision}",
        # The default form and its name are one: warped images, or those of sources that have no other.
        f"form {f'unwarped {recipe.fill}' if recipe.form == 'unwarped' else ' '}",
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
