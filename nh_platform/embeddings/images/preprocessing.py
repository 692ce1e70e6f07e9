"""Preprocessings: from a grey image to the array that an encoder takes.

Contains the two that are named, ``seed-guide`` and ``processor``. Add one here under a name of its own; what one does
never changes under its name without its version. Pixels come as uint8: what fills a border is chosen before
(`nh_platform.session.image_set`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.images.image_encoder import PROCESSOR, SEED_GUIDE, FloatArray
from nh_platform.embeddings.images.transformers_models import open_processor
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

SIZE_PX = 224
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Statistics of the images that vision models are trained with, of red, green and blue; torchvision's documentation."""

Images = Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8]
Prepare = Callable[[Images], FloatArray]


@dataclass(frozen=True)
class Preprocessing:
    """A preprocessing by its name.

    Parameters
    ----------
    name, version
        Its name, and what moves when a value changes.
    open
        Returns the function that makes (n, 3, height, width) float32 of grey images, given the folder of the weights.
    """

    name: str
    version: str
    open: Callable[[Path | None], Prepare]


def seed_guide(images: Images) -> FloatArray:
    """Return (n, 3, 224, 224) float32 as the lines for DINOv2 of NeuroHorizon's guide of the data make them.

    Grey to red, green and blue; the shorter side to 224 px (bilinear, antialiased); the central square; 0 to 1; minus
    the mean and by the standard deviation of ImageNet. Equal, bit for bit, to torchvision's ``Resize(224)``,
    ``CenterCrop(224)``, ``ToTensor`` and ``Normalize`` of a PIL image, which is what they call; torchvision is not
    needed.

    Parameters
    ----------
    images
        (height, width) uint8 each.
    """
    mean, std = (np.array(one, dtype=np.float32)[:, None, None] for one in (IMAGENET_MEAN, IMAGENET_STD))
    found = np.empty((len(images), 3, SIZE_PX, SIZE_PX), dtype=np.float32)
    for row, image in enumerate(images):
        found[row] = (_central(image).astype(np.float32) / np.float32(255) - mean) / std
    return found


def _central(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the central square of an image whose shorter side is made `SIZE_PX` long."""
    from PIL import Image

    height, width = image.shape
    short, long = min(height, width), max(height, width)
    # torchvision cuts the longer side to a whole number (transforms.functional._compute_resized_output_size, 0.28).
    other = int(SIZE_PX * long / short)
    size = (other, SIZE_PX) if width >= height else (SIZE_PX, other)
    resized = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    # `round` of halves to even, as torchvision's center_crop has it.
    top, left = (round((side - SIZE_PX) / 2.0) for side in resized.shape)
    return resized[top : top + SIZE_PX, left : left + SIZE_PX]


def _open_seed_guide(weights: Path | None) -> Prepare:
    return seed_guide


def _open_processor(weights: Path | None) -> Prepare:
    """Return the image processor that the model was published with, for grey images."""
    processor = open_processor(weights)

    def prepare(images: Images) -> FloatArray:
        coloured = [np.repeat(np.asarray(image)[:, :, None], 3, axis=2) for image in images]
        try:
            made: Any = processor(images=coloured, return_tensors="np", input_data_format="channels_last")
            return np.asarray(made["pixel_values"], dtype=np.float32)
        except Exception as error:  # its settings are a file that people change
            text = " ".join(f"{type(error).__name__}: {error}".split())
            action = "Correct its preprocessor_config.json, get it again, or use --preprocessing seed-guide."
            raise ConfigError("preprocessing processor", f"it cannot prepare images: {text:.300}", action) from error

    return prepare


PREPROCESSINGS = {
    one.name: one
    for one in (Preprocessing(SEED_GUIDE, "1", _open_seed_guide), Preprocessing(PROCESSOR, "1", _open_processor))
}
"""By name."""


def find_preprocessing(name: str) -> Preprocessing:
    """Return a preprocessing by its name.

    Raises
    ------
    ConfigError
        If there is none; the text names those there are.
    """
    if name not in PREPROCESSINGS:
        action = f"Use one of {', '.join(PREPROCESSINGS)}.{close_matches(name, PREPROCESSINGS)}"
        raise ConfigError(f"preprocessing {name!r}", "there is no such preprocessing", action)
    return PREPROCESSINGS[name]
