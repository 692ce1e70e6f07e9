"""An encoder of images: its name, version and weights, and what opens it.

Contains the record. The platform's own encoders are found by `image_encoders`; an installed package brings one by an
entry point of the group `ENTRY_POINTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

ENTRY_POINTS = "nh_platform.image_encoders"
"""Group of the entry points by which an installed package brings an encoder; each names an `ImageEncoder`."""

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
SEED_GUIDE, PROCESSOR = "seed-guide", "processor"

FloatArray = npt.NDArray[np.float32]
Encode = Callable[[FloatArray], npt.NDArray[np.floating]]
"""Makes (n, n_features) numbers of (n, 3, height, width) preprocessed images."""


@dataclass(frozen=True)
class ImageEncoder:
    """A fixed-length description of images.

    Parameters
    ----------
    name, version
        Lower-case words joined by hyphens; and what moves when a value changes. Both are part of the key.
    open
        Returns the function that encodes a batch, given the folder of the weights (None without) and the precision.
    weights
        Name of the weights on the Hugging Face hub; empty where the encoder has none.
    preprocessings
        Those that it takes, the default first.
    about
        What the vector is, in a sentence.

    Raises
    ------
    ValueError
        If the name is not as stated here.
    """

    name: str
    version: str
    open: Callable[[Path | None, Precision], Encode]
    weights: str = ""
    preprocessings: tuple[str, ...] = (SEED_GUIDE,)
    about: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*|hf:.+", self.name):
            raise ValueError(f"image encoder {self.name!r}: a name is lower-case words joined by hyphens")
