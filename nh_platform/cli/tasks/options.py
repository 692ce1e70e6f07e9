"""Options of `nh task` as they are typed: seeds, sessions, labels and features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nh_platform.session import ConfigError

QcLabelsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="BrainWideBench's bwm_qc.csv: QC of probes and behaviour.", show_default=False),
]
FeaturesOption = Annotated[
    str,
    typer.Option(help="What ts3-unit_cosmos reads of a unit: intervals, or unit_embeddings as they are stored."),
]

SEEDS = "43-47"

_ABOVE = 2**32
"""Random generators take seeds below it."""

_MOST = 100
"""Seeds at most: a range that was meant as something else is not run for days."""


def seeds_of(text: str) -> list[int]:
    """Return the seeds of ``43-47`` or ``43,44,45``.

    Raises
    ------
    ConfigError
        If it is neither, or names too many.

    Examples
    --------
    >>> seeds_of("43-45,50")
    [43, 44, 45, 50]
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        try:
            stretch = range(int(first), int(last or first) + 1)
        except ValueError:
            stretch = range(0)
        # Its ends are compared, and not its length: that of a range may be too long to be made.
        if not 0 <= stretch.start < stretch.stop <= min(stretch.start + _MOST, _ABOVE):
            found = f"{part.strip() or 'it'} names no seeds, or more than {_MOST}, or one of {_ABOVE:,} or more"
            raise ConfigError(f"--seeds {text}", found, "State them as 43-47 or 43,44,45.")
        seeds += stretch
    if len(seeds) > _MOST:
        raise ConfigError(f"--seeds {text}", f"it names more than {_MOST}", "State fewer.")
    return seeds


def one_seed_of(text: str, task: str) -> int:
    """Return the seed of a task whose table is of one.

    Raises
    ------
    ConfigError
        If the text names no seed, or several.
    """
    first, *others = seeds_of(text)
    if others:
        raise ConfigError(f"--seeds {text}", f"the table of {task} is of one seed", f"Give one, as --seeds {first}.")
    return first


def sessions_of(text: str) -> list[str]:
    """Return the ids of ``a,b``; none for ``all``.

    Raises
    ------
    ConfigError
        If it names none.
    """
    ids = [one.strip() for one in text.split(",") if one.strip()]
    if not ids:
        raise ConfigError(f"--sessions {text!r}", "it names no session", "State ids with commas between, or all.")
    return [] if ids == ["all"] else ids
