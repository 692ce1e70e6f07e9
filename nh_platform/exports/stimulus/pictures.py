"""The pictures of a stimulus as one netCDF file: ``<stimulus>_frames.h5``, frame × y × x, as that data set has them.

Contains the writer. Add here what such a file holds. Where pictures come from is the source's; which was shown when is
`frames`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.exports.stimulus.netcdf import Variable, write_group
from nh_platform.store.codecs.hdf5 import create_file
from nh_platform.windows.presentations.conventions import Mode

COMPAT_LEVELS = (np.linspace(0, 1, 256) * 255).astype(np.uint8)
"""Grey level of that data set for every level shown. It went through a colour map (``imsave`` with ``gray``) whose
levels are cut, not rounded: 24 of the 256 come out darker by one (33, 37, 41, … 244)."""


def write_pictures(path: Path, stimulus: str, pictures: npt.NDArray[Any], mode: Mode) -> None:
    """Write the pictures of a stimulus.

    Parameters
    ----------
    path
        New file.
    stimulus
        Its name, which is that of the variable.
    pictures
        (n_frames, height, width) grey levels 0-255.
    mode
        ``exact``: the levels that were shown. ``mlynarski-compat``: those of that data set (`COMPAT_LEVELS`).
    """
    frames = Variable(("frame",), np.arange(len(pictures), dtype=np.int64))
    shown = pictures if mode == "exact" else COMPAT_LEVELS[pictures]
    with create_file(path) as file:
        write_group(file, "/", {"frame": frames, stimulus: Variable(("frame", "y", "x"), shown)})
