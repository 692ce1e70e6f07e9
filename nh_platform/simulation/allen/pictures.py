"""The pictures of a simulated Visual Coding release: natural scenes, and the frames of natural_movie_one.

Contains their making and the writer of the files as AllenSDK's cache keeps them. Add a movie here. They are an eighth
as large as the released ones along each side, and have what makes pictures natural to a filter: amplitudes that fall
with the spatial frequency (Field 1987, J Opt Soc Am A 4:2379).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.simulation.allen.stimulus_parameters import N_SCENES
from nh_platform.simulation.allen.visual_stimuli import MOVIE_FRAMES
from nh_platform.simulation.seeding import generator

SCENE_PX = (114, 146)
FRAME_PX = (38, 76)
"""Height and width; 918 × 1174 and 304 × 608 in the release."""
_SHIFT_PX = 2
"""How far the movie's camera moves from frame to frame."""


def write_pictures(root: Path, seed: int) -> None:
    """Write ``natural_scene_templates/natural_scene_<0…117>.tiff`` and ``natural_movie_templates/natural_movie_1.h5``.

    The latter is an npy file under that name, as AllenSDK's cache has it. Files that are there are written again.
    """
    from PIL import Image

    scenes, movies = root / "natural_scene_templates", root / "natural_movie_templates"
    for folder in (scenes, movies):
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(N_SCENES):
        picture = natural_picture(generator(seed, "allen_vc", "scene", number), SCENE_PX)
        Image.fromarray(picture).save(scenes / f"natural_scene_{number}.tiff")
    with (movies / "natural_movie_1.h5").open("wb") as file:
        np.save(file, _movie(generator(seed, "allen_vc", "movie", 1)), allow_pickle=False)


def natural_picture(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return a (height, width) picture whose amplitudes fall with the frequency, its levels spread over 0 to 255."""
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.fft2(rng.standard_normal(shape))
    picture = np.real(np.fft.ifft2(noise / frequency))
    low, high = np.quantile(picture, (0.01, 0.99))
    return np.rint(np.clip((picture - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def _movie(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return (n_frames, height, width): a camera that moves over a picture, mirrored where it ends."""
    height, width = FRAME_PX
    scene = natural_picture(rng, (height, 8 * width))
    path = np.abs((np.arange(MOVIE_FRAMES) * _SHIFT_PX) % (2 * 7 * width) - 7 * width)
    return np.stack([scene[:, start : start + width] for start in path])
