"""Removing what nothing names: versions that were superseded, what killed processes left, raw files on request."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OpenHome, open_home
from nh_platform.session.errors import DamagedFile, NhError

if TYPE_CHECKING:
    from nh_platform.store import Store


class RawChoice(StrEnum):
    """Raw files that may go: none, those that no catalogue lists now, or all."""

    none = "none"
    unlisted = "unlisted"
    all = "all"


@dataclass(frozen=True)
class Pruning:
    """Folders and files that were removed, or would be.

    Parameters
    ----------
    removed
        Each with its bytes.
    kept
        Why something is left alone, one text each.
    """

    removed: tuple[tuple[Path, int], ...]
    kept: tuple[str, ...]

    @property
    def n_bytes(self) -> int:
        """Bytes of all that was removed."""
        return sum(size for _, size in self.removed)


def prune(home: Home, source: str | None = None, *, raw: RawChoice = RawChoice.none, dry_run: bool = False) -> Pruning:
    """Remove versions that neither count, nor are of a history, nor named by a lock, and what is left half written.

    Parameters
    ----------
    home
        The home folder.
    source
        Name of a source; all where None.
    raw
        Raw files to remove as well: they are fetched again when they are needed. Those of Allen lie where AllenSDK
        looks for them and are not touched.
    dry_run
        Remove nothing, and say what would be removed.

    Raises
    ------
    ConfigError
        If there is no such source.
    """
    from nh_platform.store.names import SOURCE_WIDE

    removed: list[tuple[Path, int]] = []
    kept: list[str] = []
    with open_home(home) as at:
        store = at.platform.store
        chosen = store.sources() if source is None else [at.platform.config(source).entry.name]
        for name in chosen:
            for session_id in [*store.sessions(name), SOURCE_WIDE]:
                for asset in store.published(name, session_id):
                    try:
                        found = list(_unnamed(store, name, session_id, asset))
                    except DamagedFile as error:  # what it names is unknown
                        kept.append(str(error))
                        continue
                    for folder in found:
                        removed.append((folder, _bytes(folder)))
                        if not dry_run:
                            _remove(folder)
        if raw is not RawChoice.none:
            for path in _raw_files(at, raw, kept):
                removed.append((path, path.stat().st_size))
                if not dry_run:
                    path.unlink()
    return Pruning(tuple(removed), tuple(kept))


def _unnamed(store: Store, source: str, session_id: str, asset: str) -> Iterator[Path]:
    from nh_platform.store.names import STAGING
    from nh_platform.store.version_folders import exclusive, is_abandoned

    home = store.asset_folder(source, session_id, asset)
    with exclusive(home):
        named = set(store.counted(source, session_id, asset))
        for child in sorted(home.iterdir()):
            if not child.is_dir() or child in named or not named:
                continue
            if not child.name.startswith(STAGING) or is_abandoned(child):
                yield child


def _remove(folder: Path) -> None:
    from nh_platform.store.names import STAGING
    from nh_platform.store.version_folders import remove_folder

    if folder.name.startswith(STAGING):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        remove_folder(folder)


def _raw_files(home: OpenHome, raw: RawChoice, kept: list[str]) -> Iterator[Path]:
    """Give the raw files that may go; none where a catalogue that may list them cannot be read."""
    from nh_platform.downloads.raw_files import stored_raw_files
    from nh_platform.sources.registry import source_names
    from nh_platform.store.names import SOURCE_WIDE

    settings, listed, folders = home.platform.settings, set[str](), set[Path]()
    for name in source_names():
        folders.add(settings.home / str(settings.source(name).read.get("raw_dir") or "raw"))
        if raw is RawChoice.unlisted and home.platform.store.published(name, SOURCE_WIDE):
            try:
                listed |= set(home.platform.manifest(name).files["md5"].dropna())
            except NhError as error:
                kept.append(f"raw files are kept, since the catalogue of {name} cannot be read: {error}")
                return
    for folder in sorted(folders):
        yield from (path for path in stored_raw_files(folder) if path.name not in listed)


def _bytes(folder: Path) -> int:
    return sum(os.path.getsize(path) for path in folder.rglob("*") if path.is_file())
