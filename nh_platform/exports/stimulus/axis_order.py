"""The order of axes of an exported array: as it is asked for, found on an array, and called in the data set's README.

Contains the default orders, the three of that README, and the order that a shape has. Add here what is known of axes.
Arrays are read and written in `npy` and `published_set`.

The README of the Mlynarski group's data set states three orders, and its files have a fourth: presentations × time ×
units, the dimensions of AllenSDK's `presentationwise_spike_counts` (code/pipeline/1_access_allen_data.py). Files name
their dimensions, plain arrays do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

Axes = tuple[str, ...]

UNIT, PRESENTATION, TIME, VARIABLE = "unit_id", "presentation_id", "time", "variable"

AXES: dict[str, Axes] = {
    "spike_data": (UNIT, PRESENTATION, TIME),
    "speed": (PRESENTATION, TIME),
    "pupil_data": (VARIABLE, PRESENTATION, TIME),
}
"""Axes of the arrays; those of spikes and speed are those of the data set's own export."""

WORDS = {UNIT: "unit", PRESENTATION: "presentation", TIME: "time", VARIABLE: "variable"}
"""What an axis is called on the command line."""

README_ORDERS: dict[Axes, str] = {
    (UNIT, TIME, PRESENTATION): "Target format (neurons x time x trials)",
    (PRESENTATION, UNIT, TIME): "Output files' structure (presentation_id x unit_id x time)",
    (UNIT, PRESENTATION, TIME): "access_stimulus_structure.py (neurons x presentations x time)",
}
"""Where the README of the Mlynarski group's data set states an order of spikes, by the order."""

STATED_NAMES = {
    **{name: name for name in WORDS},
    **{word: name for name, word in WORDS.items()},
    "stimulus_presentation_id": PRESENTATION,
    "time_relative_to_stimulus_onset": TIME,
}
"""Axis by the name that a file has for it: that data set's, ours, or AllenSDK's."""


def asked_axes(dims: str | None, data: str) -> Axes:
    """Return the axes of ``data`` in the order asked for.

    Parameters
    ----------
    dims
        ``unit,time,presentation`` or another permutation; None for the order of `AXES`.
    data
        ``spike_data``, ``speed`` or ``pupil_data``.

    Raises
    ------
    ConfigError
        If a name is no axis of the data, or one is missing or stands twice.

    Examples
    --------
    >>> asked_axes("unit,time,presentation", "spike_data")
    ('unit_id', 'time', 'presentation_id')
    """
    own = AXES[data]
    if dims is None:
        return own
    valid = [WORDS[axis] for axis in own]
    words = [word.strip() for word in dims.split(",")]
    action = f"Name {', '.join(valid)} once each, in any order."
    for word in words:
        if STATED_NAMES.get(word) not in own:
            raise ConfigError(f"--dims {dims}", f"{data} has no axis {word!r}", action + close_matches(word, valid))
    axes = tuple(STATED_NAMES[word] for word in words)
    if sorted(axes) != sorted(own):
        raise ConfigError(f"--dims {dims}", f"{data} has {len(own)} axes", action)
    return axes


def in_words(axes: Sequence[str]) -> str:
    """Return an order as it is written on the command line.

    Examples
    --------
    >>> in_words(("unit_id", "time", "presentation_id"))
    'unit,time,presentation'
    """
    return ",".join(WORDS[axis] for axis in axes)


def readme_order(axes: Sequence[str]) -> str:
    """Return where the README of the data set states an order of spikes.

    Examples
    --------
    >>> readme_order(("presentation_id", "time", "unit_id"))
    "none of the README's three"
    """
    return README_ORDERS.get(tuple(axes), "none of the README's three")


def axes_of_shape(shape: Sequence[int], sizes: Mapping[str, int], where: str) -> Axes:
    """Return the one order of axes that an array of this shape can have.

    Parameters
    ----------
    shape
        Shape of the array.
    sizes
        Length of every axis that it should have.
    where
        What the array is, for the error.

    Raises
    ------
    ConfigError
        If several orders fit, or none.
    """
    expected = ", ".join(f"{WORDS[axis]} {size}" for axis, size in sizes.items())
    fitting = [axes for axes in permutations(sizes) if [sizes[axis] for axis in axes] == list(shape)]
    if len(fitting) == 1:
        return fitting[0]
    shown = " × ".join(map(str, shape))
    if not fitting:
        found = f"it names no axes, and its shape {shown} fits no order of {expected}"
    else:
        found = f"it names no axes, and its shape {shown} fits {' and '.join(map(in_words, fitting))}"
    raise ConfigError(where, found, f"Say its order, as --dims {in_words(tuple(sizes))}.")
