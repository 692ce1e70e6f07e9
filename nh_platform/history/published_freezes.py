"""Freezes that are published and known by name: where each lies, and the hash by which it is the list of that name.

Contains the lists of the Brain-wide Map as its paper's code has them, pinned to a commit, and how one comes into the
``freezes`` folder of a home. Add a list here when a paper publishes one. What a list says is `freezes`.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.history.freezes import Freeze, is_freeze_file, read_freeze
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.errors import close_matches

if TYPE_CHECKING:
    from nh_platform.downloads.transfers import OnBytes

FREEZES_FOLDER = "freezes"
"""Folder of the home folder whose CSV files are freezes known by name."""

ADDRESS_VARIABLE = "NH_FREEZES_URL"
"""Environment variable with the address of a copy of `ADDRESS`, for machines that reach no other."""
ADDRESS = "https://raw.githubusercontent.com/int-brain-lab/paper-brain-wide-map"

_FIXTURES = "brainwidemap/fixtures"


@dataclass(frozen=True)
class PublishedFreeze:
    """A published list.

    Parameters
    ----------
    name
        Its name, which is that of its file.
    commit
        Commit of int-brain-lab/paper-brain-wide-map that has it.
    sha256
        Of the file.
    """

    name: str
    commit: str
    sha256: str

    @property
    def address(self) -> str:
        """Where it can be had in exactly this version."""
        base = os.environ.get(ADDRESS_VARIABLE) or ADDRESS
        return f"{base.rstrip('/')}/{self.commit}/{_FIXTURES}/{self.name}.csv"


PUBLISHED = {
    one.name: one
    for one in (
        PublishedFreeze(
            "2022_10_initial",
            "1ad3691f4791043c52439899866df4e930cb1dac",
            "dd68de1b368857368cb396cd91bcd9e82192638169282155bcbeb8a900ee85ba",
        ),
        PublishedFreeze(
            "2022_10_update",
            "899e670d6fb4345de1c035f8377c36c6c819a040",
            "2ca3e91e3d487b10361734ce500aa422b51e657e88d0724e747098aafb9fe65c",
        ),
        PublishedFreeze(
            "2022_10_bwm_release",
            "b6945589513c5615957cb98f13d1aa0ccbe48cc8",
            "3df3763997253b123aa7993b4abc6944e00bbcf0804cbd8f2a67b0e24e1fa09e",
        ),
        PublishedFreeze(
            "2023_12_bwm_release",
            "7c30b9bb47b7c31fb484a750260e21644a3dffc0",
            "db9edfc6f5d92a4df81d488bfb1068f43526a13717bb8fc7da2aecdd28876ac4",
        ),
    )
}
"""The freezes of the Brain-wide Map by name: 552, 557, 547 and 699 insertions."""


def known_freezes(folder: Path) -> dict[str, Path]:
    """Return the freezes of a folder by name, sorted; none where there is no such folder."""
    return {path.stem: path for path in sorted(folder.glob("*.csv"))}


def freeze_named(name: str | Path, folder: Path, on_bytes: OnBytes | None = None) -> Freeze:
    """Return the freeze that a name means, fetched into the folder where it is a published one that is not there.

    Parameters
    ----------
    name
        Path of a CSV file, name of one in ``folder`` without ``.csv``, or of a published one.
    folder
        The ``freezes`` folder of the home.
    on_bytes
        Told of the progress of a download.

    Raises
    ------
    ConfigError
        If it cannot be read, or has the name of a published list and other content.
    UnknownSession
        If there is none of that name; the text names the nearest.
    UpstreamTrouble
        If a published list does not come, or not with its hash.
    """
    text = str(name)
    if is_freeze_file(text) or text.lower().endswith(".csv"):
        return read_freeze(text)
    there = known_freezes(folder)
    published = PUBLISHED.get(text)
    if text in there:
        if published is not None:
            _refuse_others(there[text], published)
        return read_freeze(there[text])
    if published is None:
        names = sorted({*there, *PUBLISHED})
        raise UnknownSession(
            f"freeze {text!r}",
            f"there is none of that name in {folder}, and no such list is published",
            f"Name one of {', '.join(names)}, or a CSV file.{close_matches(text, names)}",
        )
    return read_freeze(_fetched(published, folder, on_bytes))


def stated_freeze(stated: Path | None) -> Freeze | None:
    """Return the freeze of a source's settings: a CSV file by its path, or a list by its name, from the home.

    Raises
    ------
    ConfigError, UnknownSession, UpstreamTrouble
        As of `freeze_named`.
    """
    if stated is None:
        return None
    return freeze_named(stated if stated.suffix else stated.name, stated.parent / FREEZES_FOLDER)


def _fetched(published: PublishedFreeze, folder: Path, on_bytes: OnBytes | None) -> Path:
    # A list that is there needs nothing of a download, whose clients take 0.1 s to load.
    from nh_platform.downloads.download_folder import DownloadFolder, Place
    from nh_platform.downloads.remote_bytes import HttpOpener

    path = folder / f"{published.name}.csv"
    part = folder / f".{path.name}.part"

    def problem(_: object) -> str | None:
        found = _sha256(part)
        return None if found == published.sha256 else f"its sha256 is {found[:12]}…, not {published.sha256[:12]}…"

    downloads = DownloadFolder(folder, FREEZES_FOLDER)
    label = f"freeze {published.name}"
    with downloads.alone(label, folder / f".{path.name}.lock"):
        if not path.is_file():  # another process may have fetched it meanwhile
            place = Place(label, path, part, problem, resumes=False)
            downloads.download(place, [HttpOpener(published.address)], on_bytes)
    return path


def _refuse_others(path: Path, published: PublishedFreeze) -> None:
    found = _sha256(path)
    if found != published.sha256:
        raise ConfigError(
            f"freeze {path}",
            f"it has the name of a published list and is another one (sha256 {found[:12]}…, published "
            f"{published.sha256[:12]}…)",
            "Give a list of your own another name, or remove the file: the published one is fetched.",
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
