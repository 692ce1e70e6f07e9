"""Regions as people name them: an acronym of the Allen CCF, or a name of the visual areas, and all that lies below it.

Contains the tree of structures, the names beside the CCF's, and the look-up that a search by region starts from. Add a
name here when users of several sources write it; one that means something else in the CCF belongs to the entry of the
source whose users write it. Reads iblatlas' list of structures by itself: its own tables take 0.5 s to load, and a
search must not.
"""

from __future__ import annotations

import csv
import difflib
import importlib.resources
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from nh_platform.session import ConfigError

VISUAL_NAMES: Mapping[str, str] = {"V1": "VISp", "AL": "VISal", "PM": "VISpm", "LGN": "LGd"}
"""Names of the visual system that are no acronyms of the CCF, and what they are there. The LGN of the Allen Institute's
papers is the dorsal part (Siegle et al. 2021); the ventral one is ``LGv``."""

VISUAL_HOMONYMS: Mapping[str, str] = {"LM": "VISl", "AM": "VISam", "RL": "VISrl"}
"""Visual areas whose short names are acronyms of other structures of the CCF: the lateral mammillary nucleus, the
anteromedial nucleus of the thalamus and the rostral linear nucleus raphe."""

CCF_PREFIX = "ccf:"
"""Before an acronym: that of the CCF, whatever the users of a source call so."""


@dataclass(frozen=True)
class Region:
    """A region that was asked for.

    Parameters
    ----------
    asked
        How it was written.
    acronym, name
        Of the structure in the Allen CCF.
    acronyms
        It and every structure below it: Beryl and Cosmos acronyms are structures of the same tree, so that what a table
        states in any of the three lies in the region if it is among these.
    homonym
        Name of the structure that has the written acronym in the CCF, where another one is meant; else empty.
    """

    asked: str
    acronym: str
    name: str
    acronyms: frozenset[str]
    homonym: str = ""

    @property
    def note(self) -> str:
        """What was taken for what, in a sentence; empty where nothing could be mistaken."""
        if not self.homonym:
            return ""
        other = f"the {self.homonym[0].lower()}{self.homonym[1:]} is `{CCF_PREFIX}{self.asked}`"
        return f"{self.asked} is read as {self.acronym}, {self.name}; {other}"


@dataclass(frozen=True)
class _Structure:
    acronym: str
    name: str
    path: tuple[str, ...]
    """Ids from the root down to its own."""


@cache
def _structures() -> dict[str, _Structure]:
    """Return the 1,328 structures of the Allen CCF 2017 by acronym; ``void`` stands by itself."""
    text = (importlib.resources.files("iblatlas") / "allen_structure_tree.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    paths = ((row, tuple(part for part in row["structure_id_path"].split("/") if part)) for row in rows)
    return {row["acronym"]: _Structure(row["acronym"], row["name"], path or (row["id"],)) for row, path in paths}


def find_region(asked: str, own_names: Mapping[str, str] | None = None) -> Region:
    """Return the region that a name means.

    Parameters
    ----------
    asked
        Acronym of the Allen CCF (Beryl's and Cosmos' are among them), a name of `VISUAL_NAMES`, or one of
        ``own_names``. Upper and lower case count only where two acronyms differ in nothing else; blanks around it
        do not.
    own_names
        What the users of a source call so, before the CCF: `VISUAL_HOMONYMS` for sources of visual areas.

    Raises
    ------
    ConfigError
        If there is no such region; the text names the nearest ones.

    Examples
    --------
    >>> sorted(find_region("LGd").acronyms)
    ['LGd', 'LGd-co', 'LGd-ip', 'LGd-sh']
    >>> find_region("V1").acronym, find_region("AM").name, find_region("AM", VISUAL_HOMONYMS).acronym
    ('VISp', 'Anteromedial nucleus', 'VISam')
    """
    structures = _structures()
    is_ccf = asked.strip().lower().startswith(CCF_PREFIX)
    written = (asked.strip()[len(CCF_PREFIX) :] if is_ccf else asked).strip()
    names = {} if is_ccf else {**VISUAL_NAMES, **(own_names or {})}
    meant = _spelled(written, names)
    found = structures.get(names.get(meant or "", _spelled(written, structures) or ""))
    if found is None:
        others = () if is_ccf else names
        near = _nearest(written, [*structures, *others]) or _by_name(written, structures.values())
        raise ConfigError(
            f"region {asked!r}",
            "neither the Allen CCF with Beryl and Cosmos nor the visual areas have an acronym like that",
            f"Write one such as VISp, LGd, CA1, TH or Isocortex.{near}",
        )
    below = frozenset(one.acronym for one in structures.values() if found.path[-1] in one.path)
    other = structures.get(_spelled(written, structures) or "") if meant else None
    return Region(asked, found.acronym, found.name, below, "" if other in (None, found) else other.name)


def _spelled(written: str, known: Iterable[str]) -> str | None:
    """Return a word as it is known: in the same letters, or else in the one spelling that differs in case alone."""
    known = list(known)
    if written in known:
        return written
    alike = [one for one in known if one.lower() == written.lower()]
    return alike[0] if len(alike) == 1 else None


def _nearest(written: str, known: Iterable[str]) -> str:
    """Return the nearest acronyms in a sentence, whatever the case; empty where none is near."""
    spelled: dict[str, list[str]] = {}
    for one in known:
        spelled.setdefault(one.lower(), []).append(one)
    near = difflib.get_close_matches(written.lower(), spelled, n=3, cutoff=0.6)
    return f" Did you mean {', '.join(one for word in near for one in spelled[word])}?" if near else ""


def _by_name(written: str, structures: Iterable[_Structure]) -> str:
    """Return what a person may have meant who wrote a structure's name and not its acronym."""
    found = [one for one in structures if written and written.lower() in one.name.lower()]
    near = sorted(found, key=lambda one: len(one.path))[:3]
    return f" Did you mean {', '.join(f'{one.acronym} ({one.name})' for one in near)}?" if near else ""
