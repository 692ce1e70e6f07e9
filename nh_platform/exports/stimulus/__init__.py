"""Visual Coding responses binned per stimulus type: the data set of the Mlynarski group, and its correct version.

`plan_tensors` and `write_tensors` make one session, `write_stimulus_files` joins all, `export_npy` takes plain arrays
out. Add a module for another step of that chain. Images are not stored here, only which one was shown.
"""

from nh_platform.exports.stimulus.frames import frames_at, movie_frames, scene_images
from nh_platform.exports.stimulus.joined_files import write_stimulus_files
from nh_platform.exports.stimulus.npy import export_npy, shown_names
from nh_platform.exports.stimulus.tensor_files import StoredTensors, plan_tensors, write_tensors
from nh_platform.exports.stimulus.tensors import make_tensor

__all__ = [
    "StoredTensors",
    "export_npy",
    "frames_at",
    "make_tensor",
    "movie_frames",
    "plan_tensors",
    "scene_images",
    "shown_names",
    "write_stimulus_files",
    "write_tensors",
]
