"""Visual Coding responses binned per stimulus type: the data set of the Mlynarski group, and its correct version.

`plan_tensors` and `write_tensors` make one session, `write_stimulus_files` joins all, `export_npy` takes plain arrays
out. Add a module for another step of that chain. Images are not stored here, only which one was shown.
"""

from nh_platform.exports.stimulus.frames import frames_at, movie_frames, scene_images
from nh_platform.exports.stimulus.joined_files import write_stimulus_files
from nh_platform.exports.stimulus.npy import export_npy, shown_names
from nh_platform.exports.stimulus.tensor_files import StoredTensors, plan_tensors, write_tensors
from nh_platform.exports.stimulus.tensors import make_tensor
from nh_platform.windows.presentations.cleaning import (
    clean_presentations,
    filter_summary,
    median_durations,
    regular,
    unknown_stimulus,
)
from nh_platform.windows.presentations.conventions import MODES, Mode, check_mode

__all__ = [
    "MODES",
    "Mode",
    "StoredTensors",
    "check_mode",
    "clean_presentations",
    "export_npy",
    "filter_summary",
    "frames_at",
    "make_tensor",
    "median_durations",
    "movie_frames",
    "plan_tensors",
    "regular",
    "scene_images",
    "shown_names",
    "unknown_stimulus",
    "write_stimulus_files",
    "write_tensors",
]
