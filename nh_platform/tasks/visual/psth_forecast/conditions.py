"""What makes two presentations repeats of one condition: the parameters of a stimulus, or columns that a person names.

Contains the columns of every known stimulus and the label of each presentation. Add a stimulus here whose parameters
are not in `nh_platform.windows.presentations.conventions`. Which presentations can be used is decided in `repeats`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.windows.presentations.conventions import PARAMETERS, is_movie

IMAGE_NAME = "image_name"
FLASHED_IMAGES = ("active", IMAGE_NAME, "is_change")
"""Conditions of Visual Behavior's images: the task and its passive replay apart, and changes apart from repeats."""

OMITTED = "omitted"
SCENES = "natural_scenes"

ConditionColumns = Mapping[str, Sequence[str]] | Sequence[str]
"""Columns of presentations that name the condition, of every stimulus alike or by stimulus."""


def condition_columns(shown: pd.DataFrame, stimulus: str, stated: ConditionColumns = ()) -> tuple[str, ...] | None:
    """Return the columns that name the condition of a stimulus; none of a movie; None where they are not known.

    Parameters
    ----------
    shown
        Presentations of the stimulus.
    stimulus
        Its name.
    stated
        What a person says; it goes before what is known.

    Raises
    ------
    ConfigError
        If a stated column is not there; the text names close ones.
    """
    names = stated.get(stimulus, ()) if isinstance(stated, Mapping) else stated
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in shown:
            raise ConfigError(
                f"condition column {name!r} of {stimulus}",
                "presentations have no such column",
                f"Use one of {', '.join(map(str, shown.columns))}.{close_matches(name, map(str, shown.columns))}",
            )
    if names:
        return names
    if is_movie(stimulus):
        return ()
    if stimulus in PARAMETERS:
        known: tuple[str, ...] = PARAMETERS[stimulus]
    elif IMAGE_NAME in shown and shown[IMAGE_NAME].notna().any():
        known = FLASHED_IMAGES
    else:
        return None
    # A lab's gratings need not vary all that Allen's do.
    return tuple(name for name in known if name in shown) or None


def condition_labels(shown: pd.DataFrame, stimulus: str, columns: Sequence[str]) -> npt.NDArray[np.object_]:
    """Return (n,) the condition of each presentation, for example ``frame=12``; empty of a blank.

    A blank shows nothing: a parameter is null, the frame of a scene is -1, or a flashed image was omitted.

    Parameters
    ----------
    shown
        Presentations of the stimulus.
    stimulus
        Its name.
    columns
        As `condition_columns` returns them.

    Examples
    --------
    >>> table = pd.DataFrame({"frame": [12.0, -1.0, 7.0]})
    >>> condition_labels(table, "natural_scenes", ("frame",)).tolist()
    ['frame=12', '', 'frame=7']
    """
    labels = np.full(len(shown), stimulus if not columns else "", dtype=object)
    for place, name in enumerate(columns):
        texts = np.array([_text(name, value) for value in shown[name]], dtype=object)
        labels = texts if not place else np.array([f"{a}, {b}" for a, b in zip(labels, texts)], dtype=object)
    blank = shown[list(columns)].isna().any(axis=1).to_numpy(dtype=bool)
    if stimulus == SCENES and "frame" in columns:
        blank |= (shown["frame"] == -1).to_numpy(dtype=bool)
    if OMITTED in shown:
        blank |= (pd.to_numeric(shown[OMITTED], errors="coerce") > 0).to_numpy(dtype=bool)
    labels[blank] = ""
    return labels


def _text(name: str, value: object) -> str:
    # In full: six digits would make one condition of the ids 1234567 and 1234568, which are float64 beside nulls.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{name}={value}"
