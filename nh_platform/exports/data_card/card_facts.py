"""What a card says of an export's folder, collected from its record: files, sessions, sources, terms, works, dates.

Add a fact here that every form of the card states. Nothing of a home is read: the folder alone says it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nh_platform.exports.export_folder import LOCK, RECORD, ExportFolder
from nh_platform.exports.folder_entries import hashed, in_words, is_linked, regular_size
from nh_platform.qc.rules.bibliography import platform_reference
from nh_platform.session import DamagedFile
from nh_platform.session.display import counted
from nh_platform.store.durable import is_half_written

CROISSANT, README, ZENODO = "croissant.json", "README.md", ".zenodo.json"
MARK = "<!-- Written by `nh export`; `nh export card` writes it again. -->"
"""First line of a readme that is ours."""

_DATE = re.compile(r"(?<!\d)(20\d\d)[-_](\d\d)(?:[-_](\d\d))?(?!\d)")


@dataclass(frozen=True)
class CardFile:
    """A file of the export: path from its folder, bytes, and sha256 (64 hexadecimal digits)."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class CardFacts:
    """What a card says.

    Parameters
    ----------
    folder
        Folder of the export.
    layout
        Name of the layout.
    files
        Every file that the record names, those of sessions and those that the layout wrote beside them, by path.
    origins
        Origins of its sessions, as `nh_platform.exports.origin.Origin` has them, by source and session.
    others
        What else is in the folder, which the card does not list: paths of files and links, and of folders with ``/``,
        in words.
    """

    folder: Path
    layout: str
    files: tuple[CardFile, ...]
    origins: tuple[Mapping[str, Any], ...]
    others: tuple[str, ...] = ()

    def each(self, field: str) -> list[str]:
        """Return what the origins state under a name, each once."""
        return list(dict.fromkeys(str(one[field]) for one in self.origins if one.get(field)))

    def works(self, *fields: str) -> list[str]:
        """Return the works that the origins cite under names, each once."""
        return list(dict.fromkeys(work for one in self.origins for field in fields for work in one.get(field, ())))

    @property
    def cites(self) -> list[str]:
        """Everything that is to be cited: data, rulebooks, the platform."""
        return list(dict.fromkeys([*self.works("cites", "rulebook_cites"), platform_reference().on_one_line()]))

    @property
    def terms(self) -> dict[str, str]:
        """Terms by title of the data set; ``not known here`` where nobody stated them."""
        return {str(one["title"]): str(one["terms"]) or "not known here" for one in self.origins}

    @property
    def sessions(self) -> dict[str, int]:
        """Number of sessions by title of the data set."""
        found: dict[str, int] = {}
        for one in self.origins:
            found[str(one["title"])] = found.get(str(one["title"]), 0) + 1
        return found

    @property
    def name(self) -> str:
        """Name of the export in a line."""
        of = " and ".join(f"{title} ({counted(n, 'session')})" for title, n in self.sessions.items())
        return f"{of}, layout {self.layout}"

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(one.size for one in self.files)

    @cached_property
    def digest(self) -> str:
        """Identity of the content, 64 hexadecimal digits."""
        lines = [f"{one.path} {one.sha256}" for one in self.files]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def number(self) -> str:
        """Version in semantic form: that of the platform, and eight digits of the content's identity."""
        return f"{version('nh-platform')}+{self.digest[:8]}"

    @cached_property
    def published(self) -> tuple[str, str]:
        """The date of the data as ``YYYY-MM-DD``, and in words what day it is.

        The latest that the names of the releases hold, else the last day of a recording; no day of today, so that the
        same data give the same card.
        """
        released = [day for one in self.each("release") for day in _days(one)]
        if released:
            return max(released), "the date in the name of the release"
        recorded = self.each("recorded")
        if recorded:
            return max(recorded), "the last day of a recording: the releases have no date in their names"
        return "1970-01-01", "no day at all: neither the release nor the recordings state one"

    @property
    def address(self) -> str:
        """Address of the first work that has one."""
        found = (word for work in self.cites for word in work.split() if word.startswith("https://"))
        return next(found, "")


def card_facts(folder: Path, *, check: bool = False) -> CardFacts:
    """Collect what a card says of a folder.

    Parameters
    ----------
    folder
        Folder of an export.
    check
        Require every file to be as the record says, its hash compared. Else files and sessions that are gone are left
        out, and one that has another size is hashed anew: a card lists what is there. A link is no file that was
        exported, whatever it leads to.

    Raises
    ------
    ConfigError
        If the folder holds no export.
    DamagedFile
        If one is not, and ``check`` asks for it; the text names it.
    """
    opened = ExportFolder.opened(folder)
    stated = {path: one for made in opened.made.values() for path, one in made.files.items()} | opened.beside
    there = {path for path in stated if check or regular_size(folder, path) is not None}
    files = [_compared(folder, path, *stated[path], check=check) for path in sorted(there)]
    kept = [made for made in opened.made.values() if any(path in there for path in made.files)]
    origins = [origin for made in kept for origin in made.origins]
    ordered = sorted(origins, key=lambda one: (one["source"], one["session_id"]))
    return CardFacts(folder, opened.layout, tuple(files), tuple(ordered), tuple(sorted(_others(folder, set(stated)))))


def is_ours(readme: Path) -> bool:
    """Return whether a readme is the card's, or is not there; a folder or a link is not."""
    if not os.path.lexists(readme):
        return True
    if readme.is_symlink() or not readme.is_file():
        return False
    with readme.open(encoding="utf-8", errors="replace") as handle:
        return handle.readline().rstrip("\n") == MARK


def _others(folder: Path, stated: set[str]) -> Iterable[str]:
    """Return what no export wrote; no link is followed, and a folder without any file of the record is one of them."""
    own = {CROISSANT, ZENODO, RECORD, LOCK} | ({README} if is_ours(folder / README) else set()) | stated
    parents = {parent.as_posix() for path in stated for parent in Path(path).parents}
    for at, folders, names in os.walk(folder):
        path = Path(at).relative_to(folder)
        strange = [one for one in folders if (path / one).as_posix() not in parents or is_linked(folder, path / one)]
        folders[:] = sorted(set(folders) - set(strange))
        files = [one for one in names if (path / one).as_posix() not in own and not is_half_written(one)]
        yield from (in_words((path / one).as_posix()) for one in files)
        yield from (in_words((path / one).as_posix()) + "/" for one in strange if not is_half_written(one))


def _compared(folder: Path, path: str, size: int, sha256: str, *, check: bool) -> CardFile:
    found, meant = folder / path, CardFile(path, size, sha256)
    action = "Export it again with `--again`."
    if is_linked(folder, path):
        raise DamagedFile(str(found), "it is a link, and not what was exported", action)
    if not found.is_file():
        raise DamagedFile(str(found), "it is gone", action)
    now = CardFile(path, *hashed(found)) if check or found.stat().st_size != size else meant
    if check and now != meant:
        raise DamagedFile(str(found), "it is not what was exported", action)
    return now


def _days(release: str) -> list[str]:
    return [f"{year}-{month}-{day or '01'}" for year, month, day in _DATE.findall(release)]
