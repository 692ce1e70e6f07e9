"""What the binned Visual Coding data set of the Mlynarski group lays down, and the two ways to make it.

Contains the names, tolerances and widths; every constant is that data set's own (repository
Mlynarski-Group/Allen_visual_neuropixel_data_binned, README and docs/presentations_*.csv). Add a stimulus type here.
What is done with them stands in the modules beside this one.
"""

from __future__ import annotations

from typing import Literal, get_args

from nh_platform.session import ConfigError

Mode = Literal["exact", "mlynarski-compat"]
"""``mlynarski-compat``: that data set bit for bit, its flaws included. ``exact``: the correct one."""

MODES: tuple[Mode, ...] = get_args(Mode)

CONVENTIONS_VERSION = "1"
"""Part of the data version of `stimulus_tensors`; moves when results move."""

BIN_US = 20_000
BIN_S = 0.02

PARAMETERS: dict[str, tuple[str, ...]] = {
    "gabors": ("orientation", "y_position", "x_position"),
    "flashes": ("color",),
    "drifting_gratings": ("temporal_frequency", "orientation"),
    "static_gratings": ("phase", "spatial_frequency", "orientation"),
    "natural_scenes": ("frame",),
    "natural_movie_one": ("frame",),
    "natural_movie_three": ("frame",),
    "natural_movie_one_more_repeats": ("frame",),
    "drifting_gratings_contrast": ("contrast", "orientation"),
    "drifting_gratings_75_repeats": ("contrast", "orientation"),
    "dot_motion": ("Speed", "Dir"),
}
"""Stimulus parameters kept of each stimulus, in the order in which they are written."""

PUBLISHED_MEDIAN_S: dict[str, float] = {
    "gabors": 0.2502,
    "flashes": 0.2502,
    "drifting_gratings": 2.0017,
    "natural_movie_three": 120.1003,
    "natural_movie_one": 30.0251,
    "static_gratings": 0.2502,
    "natural_scenes": 0.2502,
    "drifting_gratings_contrast": 0.5004,
    "natural_movie_one_more_repeats": 30.0251,
    "drifting_gratings_75_repeats": 2.0017,
    "dot_motion": 1.0008,
}
"""Median duration over the 58 sessions of the release (docs/presentations_median_durations.csv, four decimals)."""

EXCLUDED = ("spontaneous", "shuffled", "invalid")
"""A stimulus whose name contains one of these is no stimulus type."""

MOVIE = "natural_movie"
"""Part of the name of every stimulus that is shown frame by frame."""

WITH_BLANKS = ("gratings", "dot_motion")
"""Stimuli whose presentations without parameters are blank sweeps."""

MERGED_TYPES = {"natural_movie_one_more_repeats": "natural_movie_one"}
"""Stimuli that share the file of another: the same movie, shown 20 or 60 times; no session has both."""

NATURAL_VISUAL_TYPES = ("natural_movie_one", "natural_movie_three", "natural_scenes")
NATURAL_VISUAL_PREFIX = "VIS"
"""The subset of natural stimuli in visual cortex: these types, structures whose acronym begins so."""

MOVIE_TOLERANCE_S = 0.01
TOLERANCE_S = 0.001

N_SCENES = 118
MOVIE_FRAMES = {"natural_movie_one": 900, "natural_movie_one_more_repeats": 900, "natural_movie_three": 3600}
"""Images of a stimulus template (AllenSDK's `get_natural_scene_template`, `get_natural_movie_template`)."""

DEFAULT_UNITS_RULEBOOK = "allen-vc-default"
"""The filter that AllenSDK applies to units unless told otherwise; with valid channels it makes the 40,010 units."""


def is_movie(stimulus_name: str) -> bool:
    """Return whether a stimulus is shown frame by frame."""
    return MOVIE in stimulus_name


def tolerance_s(stimulus_name: str) -> float:
    """Return how far (s) a duration may lie from the median; that far is too far."""
    return MOVIE_TOLERANCE_S if is_movie(stimulus_name) else TOLERANCE_S


def stimulus_type(stimulus_name: str) -> str:
    """Return the type, and so the file, that a stimulus belongs to."""
    return MERGED_TYPES.get(stimulus_name, stimulus_name)


def eye_group(mode: Mode) -> str:
    """Return the group of the eye data: that data set has ``gaze_data`` on disk and ``pupil_data`` in its README."""
    return "gaze_data" if mode == "mlynarski-compat" else "pupil_data"


def check_mode(mode: str) -> Mode:
    """Return ``mode``.

    Raises
    ------
    ConfigError
        If there is no such mode.
    """
    for known in MODES:
        if mode == known:
            return known
    raise ConfigError(f"mode {mode!r}", "there is no such way to make stimulus tensors", f"Use {' or '.join(MODES)}.")
