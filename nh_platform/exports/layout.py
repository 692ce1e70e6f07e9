"""What a layout is: a format of one file per session that other tools read, and the choice of units in it.

Contains the record that every layout is, and the rows of the units that are asked for. Add a field here when layouts
differ in one more way. Which layouts there are is `layouts`; folders are `export_folder`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.origin import Origin
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError, StoreError
from nh_platform.session.errors import close_matches

ALL, GOOD = "all", "good"


@dataclass(frozen=True)
class Request:
    """What is asked of one file.

    Parameters
    ----------
    origin
        Origin, terms and citations, which the file states.
    rows
        (n,) int64, rows of the session's units that go into it, ascending.
    options
        Options of the layout by name, for example ``compression``; all that it has.
    home
        The home folder that the session is stored in.
    """

    origin: Origin
    rows: npt.NDArray[np.int64]
    options: Mapping[str, Any] = field(default_factory=dict)
    home: Path = Path()


class WritesSession(Protocol):
    """Writes one session into one file, or folder, that does not exist yet."""

    def __call__(self, session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
        """Write it, and return what was left out of it, each a sentence.

        Raises
        ------
        NhError
            If the layout cannot hold the session; the text names what and why. The other sessions go on.
        """


@dataclass(frozen=True)
class Layout:
    """A format of one file per session.

    Parameters
    ----------
    name
        As the command has it: ``torch-brain``.
    version
        Moves when the bytes that it writes move.
    assets
        Assets that it reads and cannot do without.
    also
        Assets that it reads where they are stored.
    place
        Returns the path of a session's file from the folder of the export.
    write
        Writes a session.
    options
        Default of every option.
    settle
        Returns the options of a whole export as they are meant, of those that were given and the home folder: what
        may change, as the last version of a training set, is named. Raises `NhError` for one that cannot be.
    finish
        Writes what lies beside the files of all sessions, into the folder of the export; replaces what is there whole,
        and returns the paths of its files from there.
    """

    name: str
    version: str
    assets: tuple[str, ...]
    place: Callable[[SessionView], str]
    write: WritesSession
    also: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    settle: Callable[[Mapping[str, Any], Path], Mapping[str, Any]] | None = None
    finish: Callable[[Path], tuple[str, ...]] | None = None


def check_choice(option: str, given: object, known: Sequence[str]) -> None:
    """Refuse a value that an option does not have, before anything is written.

    Raises
    ------
    ConfigError
        If it is none of those known; the text names the nearest.
    """
    if given not in known:
        near = close_matches(str(given), known)
        raise ConfigError(f"--{option} {given}", f"there are {' and '.join(known)}", f"Use one of those.{near}")


def judged_units(session: SessionView, rows: npt.NDArray[np.int64], rulebook: str) -> pd.DataFrame:
    """Return those rows of the units, numbered anew, whose ``label`` and ``good`` are the verdicts of a rulebook.

    Parameters
    ----------
    session
        The session.
    rows
        (n,) int64, rows of its units.
    rulebook
        The one that the file states, `Origin.rulebook`; without both columns where the units were not judged by it.
    """
    units = session.units.iloc[rows].reset_index(drop=True)
    if f"pass.{rulebook}" not in units:
        return units.drop(columns=["label", "good"], errors="ignore")
    return units.assign(label=units[f"label.{rulebook}"], good=units[f"pass.{rulebook}"])


def check_units(units: str) -> None:
    """Refuse an empty choice of units, which is none of those that there are.

    Raises
    ------
    ConfigError
        If it is empty.
    """
    if not units.strip():
        raise ConfigError("--units", "it is empty", "Say all, good or the id of a rulebook.")


def chosen_rows(session: SessionView, units: str) -> npt.NDArray[np.int64]:
    """Return the rows of the units that are asked for.

    Parameters
    ----------
    session
        The session.
    units
        ``all``, ``good`` for those that pass the source's active rulebook, reviews included, or the id of a rulebook
        for those that pass that.

    Returns
    -------
    numpy.ndarray
        (n,) int64, ascending.

    Raises
    ------
    ConfigError
        If it is empty.
    UnknownSession
        If the units were not judged by the rulebook; the text names those that judged them.
    StoreError
        If there is no such unit in the session.
    """
    check_units(units)
    if units == ALL:
        return np.arange(len(session.units), dtype=np.int64)
    rulebook = None if units == GOOD else units
    rows = np.flatnonzero(session.good_units(rulebook))
    if not len(rows):
        raise StoreError(
            f"{session.source} session {session.session_id}",
            f"none of its {len(session.units)} units passes {rulebook or session.active_rulebook}",
            "Take all units (`--units all`), or another rulebook.",
        )
    return rows
