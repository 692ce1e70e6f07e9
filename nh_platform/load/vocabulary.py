"""Numbers of sessions, units and regions that stay the same from one training to the next.

Contains `Vocabulary`. A model that learnt an embedding for a unit finds it again by its number, so numbers are given in
the order of addition and never taken back. Add here what else a model has a table of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

IntArray = npt.NDArray[np.int64]


class Vocabulary:
    """Numbers of sessions, of units and of regions, from 0, in the order in which they were added.

    A unit is told apart by its source and session: Allen's ids of units and IBL's are both unique within their source
    alone.

    Examples
    --------
    >>> words = Vocabulary()
    >>> words.add("ibl", "s1", ["a", "b"]).tolist()
    [0, 1]
    >>> words.add("allen_vc", "7", ["a"]).tolist()
    [2]
    >>> words.add("ibl", "s1", ["b", "c"]).tolist()
    [1, 3]
    """

    def __init__(self) -> None:
        self._sessions: dict[str, int] = {}
        self._units: dict[str, int] = {}
        self._regions: dict[str, int] = {}

    @property
    def regions(self) -> list[str]:
        """Acronyms of the regions; the number of each is its place."""
        return list(self._regions)

    @property
    def n_sessions(self) -> int:
        """Number of sessions."""
        return len(self._sessions)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self._units)

    def add(self, source: str, session_id: str, unit_ids: Iterable[str]) -> IntArray:
        """Return the numbers of a session's units; those that are new get the next ones.

        Raises
        ------
        ConfigError
            If a unit is named twice, or a ``/`` in the source or session could make two units one.
        """
        session, units = f"{source}/{session_id}", list(unit_ids)
        for what, name in (("source", source), ("session", session_id)):
            if "/" in name:
                raise ConfigError(f"{what} {name!r}", "names of units are parted by /", f"Name the {what} without it.")
        if len(set(units)) < len(units):
            twice = next(unit for unit in units if units.count(unit) > 1)
            raise ConfigError(f"unit {twice} of {session}", "it is named twice", "Name every unit once.")
        self._sessions.setdefault(session, len(self._sessions))
        return np.array(
            [self._units.setdefault(f"{session}/{unit}", len(self._units)) for unit in units], dtype=np.int64
        )

    def add_regions(self, acronyms: Iterable[str | None]) -> IntArray:
        """Return the number of each region, -1 where it is None; those that are new get the next ones."""
        numbers = [-1 if one is None else self._regions.setdefault(one, len(self._regions)) for one in acronyms]
        return np.array(numbers, dtype=np.int64)

    def session(self, source: str, session_id: str) -> int:
        """Return the number of a session.

        Raises
        ------
        ConfigError
            If it was never added.
        """
        name = f"{source}/{session_id}"
        if name not in self._sessions:
            near = close_matches(name, self._sessions)
            raise ConfigError(f"session {name}", "it is not in the vocabulary", f"Add it with its units.{near}")
        return self._sessions[name]

    def save(self, path: Path | str) -> None:
        """Write the vocabulary as JSON, over one that it continues.

        Raises
        ------
        ConfigError
            If the file holds another one: numbers would change their meaning.
        """
        path = Path(path)
        if path.exists():
            there = Vocabulary.load(path)
            for what, old, new in (
                ("sessions", there._sessions, self._sessions),
                ("units", there._units, self._units),
                ("regions", there._regions, self._regions),
            ):
                if list(new)[: len(old)] != list(old):
                    raise ConfigError(
                        f"vocabulary {path}",
                        f"its {len(old)} {what} are not the first of the {len(new)} to be saved",
                        "Load it first and add to it, or save into another file.",
                    )
        draft = path.with_name(f".{path.name}.draft")
        named = {"sessions": self._sessions, "units": self._units, "regions": self._regions}
        draft.write_text(json.dumps({name: list(words) for name, words in named.items()}), encoding="utf-8")
        draft.replace(path)

    @staticmethod
    def load(path: Path | str) -> Vocabulary:
        """Read a vocabulary that was saved.

        Raises
        ------
        ConfigError
            If the file holds none.
        """
        made = Vocabulary()
        try:
            read = json.loads(Path(path).read_text(encoding="utf-8"))
            made._sessions = {str(name): number for number, name in enumerate(read["sessions"])}
            made._units = {str(name): number for number, name in enumerate(read["units"])}
            regions = read.get("regions", [])  # none in files of before there were any
            made._regions = {str(name): number for number, name in enumerate(regions)}
            pairs = ((made._sessions, read["sessions"]), (made._units, read["units"]), (made._regions, regions))
            whole = all(len(words) == len(listed) for words, listed in pairs)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"vocabulary {path}", f"it cannot be read: {error}", "Save one first.") from error
        if not whole:
            raise ConfigError(f"vocabulary {path}", "a name stands in it twice", "Restore the file as it was saved.")
        return made
