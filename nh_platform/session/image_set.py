"""The images of one stimulus set as an array: names in their order, and pixels.

Contains `ImageSet`. Add here what is true of a set whatever its source. Which image was shown when is
`nh_platform.embeddings.images.image_rows`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.session.errors import ConfigError, close_matches

SHOWN = "shown"
"""Form of the images of sources that have one form alone."""

FILLS = {"grey": 127.0, "black": 0.0, "white": 255.0}
"""Grey level that takes the place of pixels outside of the picture, by name; ``mean`` is that of the image's other
pixels. 127 is the level of the screen between images."""
MEAN_FILL = "mean"


@dataclass(frozen=True, repr=False)
class ImageSet:
    """The images of one stimulus set.

    Parameters
    ----------
    source, name
        Whose, and the name of the set.
    image_names
        (n_images,) names; row ``i`` is the image that `nh_platform.embeddings.images.image_rows` calls ``i``.
    pixels
        (n_images, height, width) uint8 grey levels 0-255; float where pixels outside of the picture stayed NaN. May be
        mapped from the file.
    form
        ``shown``; of Visual Behavior ``warped``, as on the monitor, or ``unwarped``.
    fill
        What took the place of pixels outside of the picture; empty where there are none.
    """

    source: str
    name: str
    image_names: tuple[str, ...]
    pixels: npt.NDArray[Any]
    form: str = SHOWN
    fill: str = ""

    def __len__(self) -> int:
        return len(self.image_names)

    def __repr__(self) -> str:
        form = "" if self.form == SHOWN else f", {self.form}{f', filled {self.fill}' * bool(self.fill)}"
        return f"ImageSet({self.source!r}, {self.name!r}, {self.pixels.shape} {self.pixels.dtype}{form})"

    def row(self, image_name: str) -> int:
        """Return the row of an image by its name.

        Raises
        ------
        ConfigError
            If the set has no such image.
        """
        if image_name not in self.image_names:
            found = f"image set {self.name} has no image of that name"
            raise ConfigError(f"image {image_name!r}", found, f"Use `image_names`.{self._nearest(image_name)}")
        return self.image_names.index(image_name)

    def _nearest(self, image_name: str) -> str:
        return close_matches(image_name, self.image_names)

    @cached_property
    def sha256(self) -> str:
        """Identity of the pixels: sha256 over type, shape and bytes, in the order of the images."""
        digest = hashlib.sha256(f"{self.pixels.dtype.str} {self.pixels.shape}".encode())
        for image in self.pixels:
            digest.update(np.ascontiguousarray(image).tobytes())
        return digest.hexdigest()


def filled(pixels: npt.NDArray[Any], fill: str) -> npt.NDArray[np.uint8]:
    """Return (n_images, height, width) images with something in the place of NaN, as uint8.

    Parameters
    ----------
    pixels
        Grey levels 0-255, NaN outside of the picture; rounded where they are no whole numbers.
    fill
        One of `FILLS`, or ``mean``.

    Raises
    ------
    ConfigError
        If there is no such fill, or a level is not within 0-255.

    Examples
    --------
    >>> filled(np.array([[[np.nan, 10.0], [20.0, 30.0]]]), "mean").tolist()
    [[[20, 10], [20, 30]]]
    """
    if fill not in FILLS and fill != MEAN_FILL:
        known = ", ".join((*FILLS, MEAN_FILL))
        raise ConfigError(f"fill {fill!r}", "pixels outside of the picture have no such fill", f"Use one of {known}.")
    whole = np.empty(pixels.shape, dtype=np.uint8)
    for row, image in enumerate(np.asarray(pixels)):
        outside = np.isnan(image)
        if outside.all():
            raise ConfigError(f"image {row}", "it has no pixel", "Check the file.")
        inside = image[~outside]
        if inside.min() < 0 or inside.max() > 255:
            found = f"its levels are {inside.min():g} to {inside.max():g}, expected 0 to 255"
            raise ConfigError(f"image {row}", found, "Check the file.")
        level = float(inside.mean()) if fill == MEAN_FILL else FILLS[fill]
        whole[row] = np.rint(np.where(outside, level, image)).astype(np.uint8)
    return whole
