"""The pictures of Visual Coding: the image of a natural scene, and the frames of the natural movies.

Contains the way from a presentation to the array that was shown, out of the templates that AllenSDK's cache keeps in
its folder. They are in no NWB file of Visual Coding. Add a template here when upstream has one more. Fetching one
is `warehouse_templates` or `bucket`; Visual Behavior's images are in its NWB files (`image_templates`).

The folder form, which AllenSDK 2.16.2 makes and which a person may fill by hand:
``natural_scene_templates/natural_scene_<0…117>.tiff`` and ``natural_movie_templates/natural_movie_<1|3>.h5``; the
latter are npy files under that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import BadUpstreamData, ConfigError

Kind = Literal["scene", "movie"]
Pixels = npt.NDArray[Any]

BLANK_FRAME = -1
SCENES = "natural_scenes"
N_SCENES = 118
IMAGE_SETS = (SCENES, "natural_movie_one", "natural_movie_three")
"""Stimuli whose pictures upstream has."""
_NUMBER_WORDS = {"one": 1, "three": 3}
_MOVIE = re.compile(r"natural_movie_(one|three)(_more_repeats)?")


@dataclass(frozen=True)
class Template:
    """One file of pictures.

    Parameters
    ----------
    kind
        A scene is one image, a movie all its frames.
    number
        Number of the scene, which is the ``frame`` of its presentations, or of the movie.
    """

    kind: Kind
    number: int

    def path(self, root: Path) -> Path:
        """Return where AllenSDK's cache keeps it."""
        suffix = "tiff" if self.kind == "scene" else "h5"
        name = f"natural_{self.kind}"
        return root / f"{name}_templates" / f"{name}_{self.number}.{suffix}"


def template_of(presentation: Mapping[str, Any] | pd.Series) -> tuple[Template, int]:
    """Return the template of a presentation, and the frame in it (0 for a scene).

    Parameters
    ----------
    presentation
        Row of the session's presentations: ``stimulus_name`` and ``frame``.

    Raises
    ------
    ConfigError
        If it shows no picture: another stimulus, a blank, or a shuffled movie, whose order is in no released file.
    """
    stimulus, frame = str(presentation["stimulus_name"]), presentation["frame"]
    movie = _MOVIE.fullmatch(stimulus)
    if stimulus != SCENES and movie is None:
        raise ConfigError(
            f"stimulus {stimulus}",
            "it has no template images",
            f"Use {SCENES}, natural_movie_one or natural_movie_three.",
        )
    if pd.isna(frame) or int(frame) == BLANK_FRAME:
        raise ConfigError(f"a presentation of {stimulus}", "it is a blank; no image was shown", "Leave blanks out.")
    if movie is None:
        return Template("scene", int(frame)), 0
    return Template("movie", _NUMBER_WORDS[movie[1]]), int(frame)


def read_image(root: Path, template: Template, frame: int = 0) -> Pixels:
    """Read one picture.

    Parameters
    ----------
    root
        AllenSDK's cache folder.
    template
        Which file.
    frame
        Frame of a movie.

    Returns
    -------
    numpy.ndarray
        (height, width), grey levels in the file's dtype: uint8 in the released files, 918 × 1174 px for scenes and
        304 × 608 px for movies. Of a movie only the frame is read.

    Raises
    ------
    BadUpstreamData
        If the template is not in the folder or cannot be read, or has no such frame.
    """
    path = template.path(root)
    if not path.is_file():
        raise BadUpstreamData(
            f"template {path.parent.name}/{path.name}",
            f"it is not in {root}",
            "Put it there, as AllenSDK's cache does, or set `mode: warehouse` or `s3` to have it fetched.",
        )
    return read_picture(path, template.kind, frame)


def read_picture(path: Path, kind: Kind, frame: int = 0) -> Pixels:
    """Read one picture of a template file; as of `read_image`."""
    try:
        if kind == "movie":
            frames = np.load(path, mmap_mode="r", allow_pickle=False)
            if frames.ndim == 3 and 0 <= frame < len(frames):
                return np.array(frames[frame])
            found = f"it has the shape {frames.shape}, and frame {frame} is asked for"
        else:
            from PIL import Image

            with Image.open(path) as image:
                pixels = np.array(image)
            if pixels.ndim == 2:
                return pixels
            found = f"it has the shape {pixels.shape}, expected height × width"
    except (ValueError, OSError, EOFError) as error:  # PIL's errors are OSErrors
        raise BadUpstreamData(
            f"template {path.parent.name}/{path.name}", f"it cannot be read: {error}", "Delete it; it is fetched again."
        ) from error
    raise BadUpstreamData(f"template {path.parent.name}/{path.name}", found, "Delete it; it is fetched again.")


def templates_of(stimulus: str) -> list[Template]:
    """Return the files that hold the pictures of a stimulus, in the order of their frames.

    Raises
    ------
    ConfigError
        If it has none.
    """
    if stimulus == SCENES:
        return [Template("scene", number) for number in range(N_SCENES)]
    return [template_of({"stimulus_name": stimulus, "frame": 0})[0]]


def read_pictures(root: Path, stimulus: str) -> Pixels:
    """Read all pictures of a stimulus.

    Returns
    -------
    numpy.ndarray
        (n_frames, height, width) in the file's dtype; picture ``i`` is that of presentations with ``frame`` ``i``.
        Those of a movie are mapped from the file, 0.7 GB for the longer one.

    Raises
    ------
    ConfigError
        If the stimulus has no pictures.
    BadUpstreamData
        If a template is not in the folder or cannot be read.
    """
    templates = templates_of(stimulus)
    pictures = [read_image(root, template) for template in templates]
    if templates[0].kind == "scene":
        _refuse_other_sizes(templates, pictures)
        return np.stack(pictures)
    frames: Pixels = np.load(templates[0].path(root), mmap_mode="r", allow_pickle=False)
    return frames


def _refuse_other_sizes(templates: list[Template], pictures: list[Pixels]) -> None:
    """Stop where an image is of another size or type than the first."""
    first = pictures[0]
    for template, picture in zip(templates, pictures):
        if picture.shape != first.shape or picture.dtype != first.dtype:
            found = (
                f"it is {picture.dtype} of {picture.shape[0]} × {picture.shape[1]} px, and the first one {first.dtype} "
                f"of {first.shape[0]} × {first.shape[1]}"
            )
            name = template.path(Path()).name
            raise BadUpstreamData(f"template {name}", found, "Delete it; it is fetched again.")
