"""The images that were shown in a Visual Behavior session.

Contains the reader of ``/stimulus/templates``: names for the session's tables, pixels on request. Add here a further
kind of template. What is computed from images belongs to `nh_platform.embeddings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.session.tables.change_detection import IMAGE_TEMPLATES
from nh_platform.sources.nwb.nwb_file import NwbFile, is_numeric

TEMPLATES = "stimulus/templates"
OMITTED = "omitted"
WARPED, UNWARPED = "warped", "unwarped"
"""Forms of an image: as on the monitor, warped for its distance from the eye, and before."""


@dataclass(frozen=True)
class ImageTemplates:
    """The images of one set in both forms, as the file has them; in one form they are an `ImageSet`.

    Parameters
    ----------
    name
        Name of the set, which is the stimulus name of its presentations.
    image_names
        (n_images,) names; the presentations' ``image_index`` counts them from 0.
    warped
        (n_images, height, width) grey levels 0-255 as on the monitor, warped for its distance from the eye.
    unwarped
        (n_images, height, width) the images before, NaN where no pixel was visible.
    """

    name: str
    image_names: tuple[str, ...]
    warped: npt.NDArray[Any]
    unwarped: npt.NDArray[Any]


def read_image_templates(nwb: NwbFile) -> pd.DataFrame | None:
    """Return the names and sizes of all images (schema `IMAGE_TEMPLATES`), or None and a note; no pixel is read."""
    parts = [
        pd.DataFrame(
            {
                "image_set": name,
                "image_index": np.arange(len(images), dtype=np.int64),
                "image_name": list(images),
                "height": np.int64(shape[1]),
                "width": np.int64(shape[2]),
            }
        )
        for name, images, shape in _sets(nwb)
    ]
    if not parts:
        nwb.note("image_templates", "no image templates in the NWB file")
        return None
    return nwb.conform(IMAGE_TEMPLATES, pd.concat(parts, ignore_index=True), TEMPLATES)


def read_images(nwb: NwbFile) -> dict[str, ImageTemplates]:
    """Return every image set with its pixels (about 20 MB each upstream), by name."""
    return {
        name: ImageTemplates(
            name=name,
            image_names=images,
            warped=nwb.array(f"{TEMPLATES}/{name}/data"),
            unwarped=nwb.array(f"{TEMPLATES}/{name}/unwarped"),
        )
        for name, images, _ in _sets(nwb)
    }


def read_image_set(nwb: NwbFile, name: str, form: str) -> tuple[tuple[str, ...], npt.NDArray[Any]]:
    """Return the names of the images of a set and their pixels in one form, ``warped`` or ``unwarped``.

    Raises
    ------
    ConfigError
        If the file has no such set; the text names those it has.
    BadUpstreamData
        If the pixels are not those of the named images.
    """
    names = {one: images for one, images, _ in _sets(nwb)}
    if name not in names:
        raise ConfigError(f"image set {name}", "it is not in the NWB file", f"Use {', '.join(names) or 'none'}.")
    path = f"{TEMPLATES}/{name}/{'data' if form == WARPED else UNWARPED}"
    pixels = nwb.array(path)
    if pixels.ndim != 3 or len(pixels) != len(names[name]):
        raise nwb.bad(f"{path} has the shape {pixels.shape}, expected {len(names[name])} images")
    return names[name], pixels


def read_image_of(nwb: NwbFile, presentation: Mapping[str, Any] | pd.Series) -> npt.NDArray[Any]:
    """Return the warped image of a presentation, (height, width).

    Raises
    ------
    ConfigError
        If the presentation shows no image of the file.
    BadUpstreamData
        If the set has no such image.
    """
    stimulus, index = str(presentation["stimulus_name"]), presentation["image_index"]
    sizes = {name: len(images) for name, images, _ in _sets(nwb)}
    if stimulus not in sizes:
        raise ConfigError(
            f"stimulus {stimulus}", "it has no images in the NWB file", f"Use {', '.join(sizes) or 'none'}."
        )
    if presentation.get("omitted") is True or presentation.get("image_name") == OMITTED or pd.isna(index):
        raise ConfigError(f"a presentation of {stimulus}", "it is an omission; no image was shown", "Leave it out.")
    if not 0 <= int(index) < sizes[stimulus]:
        raise nwb.bad(f"{TEMPLATES}/{stimulus} has {sizes[stimulus]} images and number {int(index)} is asked for")
    path = f"{TEMPLATES}/{stimulus}/data"
    with nwb.decoding(path):
        return np.array(nwb.handle[path][int(index)])


def _sets(nwb: NwbFile) -> list[tuple[str, tuple[str, ...], tuple[int, ...]]]:
    """Return name, image names and shape of every set of images, sorted by name.

    A set without as many names as images is left out, with a note.
    """
    read = [nwb.optional("image_templates", _set, nwb, name) for name in nwb.names(TEMPLATES)]
    return [one for one in read if one is not None]


def _set(nwb: NwbFile, name: str) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
    data = nwb.found(f"{TEMPLATES}/{name}/data")
    if not isinstance(data, h5py.Dataset) or data.ndim != 3 or not is_numeric(data):
        raise nwb.bad(f"{TEMPLATES}/{name}/data holds no images (number, height, width)")
    names = nwb.array(f"{TEMPLATES}/{name}/control_description")
    if names.dtype != object or len(names) != len(data):
        held = "texts" if names.dtype == object else "no texts"
        raise nwb.bad(
            f"{TEMPLATES}/{name}/control_description holds {held} of shape {names.shape}, expected {len(data)} names"
        )
    if len(set(names)) < len(names):
        raise nwb.bad(
            f"{TEMPLATES}/{name}/control_description: {len(set(names))} different names of {len(data)} images"
        )
    return name, tuple(names.tolist()), data.shape
