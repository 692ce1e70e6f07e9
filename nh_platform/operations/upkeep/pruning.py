"""Removing what nothing names: versions that were superseded, what killed processes left, raw files on request."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.operations.upkeep.raw_pruning import prune_raw, raw_roots
from nh_platform.session.errors import StoreError

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
        Why something is left alone or could not be removed, one text each.
    n_uploads
        Uploads into the bucket of the store or of raw files that nobody ended for a day, and whose parts were removed.
    """

    removed: tuple[tuple[Path, int], ...]
    kept: tuple[str, ...]
    n_uploads: int = 0

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
        Raw files to remove as well: they are fetched again when they are needed. With a source, `all` are those that
        its catalogue lists and no other one. Those of Allen lie where AllenSDK looks for them and are not touched.
    dry_run
        Remove nothing, and say what would be removed.

    Raises
    ------
    ConfigError
        If there is no such source.
    """
    from nh_platform.downloads.in_buckets.raw_objects import is_raw_key
    from nh_platform.store.durable import left_half_written
    from nh_platform.store.locking.locks import FOLDER as LOCKS
    from nh_platform.store.names import SOURCE_WIDE

    removed: list[tuple[Path, int]] = []
    kept: list[str] = []
    n_uploads = 0
    with open_home(home) as at:
        store = at.platform.store
        chosen = store.places() if source is None else [at.platform.config(source).entry.name]
        for name in chosen:
            for session_id in [*store.sessions(name), SOURCE_WIDE]:
                try:
                    assets = store.published(name, session_id)
                except StoreError as error:
                    kept.append(str(error))
                    continue
                for asset in assets:
                    removed += _pruned(store, (name, session_id, asset), kept, dry_run)
            beside = left_half_written(store.root / name / SOURCE_WIDE)
            removed += _gone(beside, kept, dry_run)
        if source is None:
            beside = [*left_half_written(store.root), *left_half_written(store.root / LOCKS)]
            removed += _gone(beside, kept, dry_run)
            n_uploads = _left_uploads(store.root, lambda key: key.partition("/")[0] in at.platform.entries, dry_run)
        if raw is not RawChoice.none:
            removed += prune_raw(at, None if source is None else chosen[0], raw is RawChoice.all, kept, dry_run)
        if source is None:
            n_uploads += sum(_left_uploads(root, is_raw_key, dry_run) for root in raw_roots(at))
    return Pruning(tuple(removed), tuple(kept), n_uploads)


def _left_uploads(root: Path, is_ours: Callable[[str], bool], dry_run: bool) -> int:
    """Remove the parts of our uploads into a bucket that nobody ended for a day; return how many uploads.

    A store or raw files may lie in a whole bucket, beside what other programs send there.
    """
    from nh_platform.store.objects.address import is_in_bucket
    from nh_platform.store.objects.mirror import mirror_of
    from nh_platform.store.objects.publishing import SUPERSEDED_S
    from nh_platform.store.objects.uploads import remove_left_uploads

    if not is_in_bucket(root):
        return 0
    bucket = mirror_of(root).bucket
    return remove_left_uploads(bucket, bucket.clock() - SUPERSEDED_S, is_ours=is_ours, dry_run=dry_run)


def _pruned(store: Store, place: tuple[str, str, str], kept: list[str], dry_run: bool) -> list[tuple[Path, int]]:
    """Remove what nothing names of an asset; say where that is unknown or could not be removed."""
    from nh_platform.store.version_folders import exclusive

    removed: list[tuple[Path, int]] = []
    try:
        # A publication may make a version count again: it waits until those of the list are gone.
        with exclusive(store.asset_folder(*place)):
            removed = _gone(_unnamed(store, *place), kept, dry_run)
    except StoreError as error:  # what it names is unknown, or another process writes it
        kept.append(str(error))
    return removed


def _gone(places: Iterable[Path], kept: list[str], dry_run: bool) -> list[tuple[Path, int]]:
    """Remove files and folders; return those that are gone, each with the bytes that it had."""
    sized = [(place, _bytes(place)) for place in places]
    return [(place, size) for place, size in sized if dry_run or _is_removed(place, kept)]


def _unnamed(store: Store, source: str, session_id: str, asset: str) -> Iterator[Path]:
    from nh_platform.history.snapshots import ASSET as MANIFEST
    from nh_platform.store.durable import left_half_written
    from nh_platform.store.names import DAMAGED, HISTORY, STAGING
    from nh_platform.store.objects.address import is_in_bucket
    from nh_platform.store.records import is_there
    from nh_platform.store.version_folders import is_abandoned

    home = store.asset_folder(source, session_id, asset)
    if is_in_bucket(home):
        from nh_platform.store.objects.publishing import unnamed_versions

        counted = [one.name for one in store.counted(source, session_id, asset)]
        if asset != MANIFEST or is_there(home / HISTORY) or len(counted) < 1:
            yield from unnamed_versions(home, counted)
        # What a killed process was writing lies on its machine until it is published.
        yield from (one for one in sorted(home.glob(f"{STAGING}*")) if is_abandoned(one))
        return
    yield from left_half_written(home)
    named = store.counted(source, session_id, asset)
    # Where the version that counts is not there, or the history was lost, nothing tells which of the others is wanted.
    is_known = bool(named) and named[-1].is_dir() and (asset != MANIFEST or (home / HISTORY).exists())
    for child in sorted(home.iterdir()):
        if not child.is_dir() or child in named or child.name == DAMAGED:
            continue
        if not is_known and not child.name.startswith(STAGING):
            continue
        if not child.name.startswith(STAGING) or is_abandoned(child):
            yield child


def _is_removed(folder: Path, kept: list[str]) -> bool:
    """Remove a file or folder, a version at once under another name; return whether it is gone, and say where not."""
    from nh_platform.store.names import STAGING
    from nh_platform.store.objects.address import is_in_bucket
    from nh_platform.store.version_folders import staging_name

    leaving = folder
    try:
        if is_in_bucket(folder) and not folder.name.startswith(STAGING):
            from nh_platform.store.objects.publishing import remove_unnamed

            return remove_unnamed(folder)
        if not folder.is_dir():
            folder.unlink()
            return True
        if not folder.name.startswith(STAGING):
            leaving = folder.rename(folder.with_name(staging_name()))
        shutil.rmtree(leaving)
    except OSError as error:
        kept.append(f"{leaving} could not be removed whole: {error}")
        return False
    return True


def _bytes(place: Path) -> int:
    from nh_platform.store.hashing import stored_sizes
    from nh_platform.store.names import STAGING
    from nh_platform.store.objects.address import is_in_bucket

    if is_in_bucket(place) and not place.name.startswith(STAGING):
        return sum(stored_sizes(place).values())
    size = 0
    for path in (place, *place.rglob("*")):
        with contextlib.suppress(OSError):  # what goes meanwhile counts 0
            size += path.lstat().st_size if path.is_file() else 0
    return size
