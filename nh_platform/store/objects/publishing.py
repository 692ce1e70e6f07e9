"""Versions of one asset in a bucket: a new one is written whole, then the pointer by a conditional write.

Contains what `Store.publish` does with a folder that was written, where the store lies in a bucket. Whoever writes the
record of a version first owns its name; others with the same bytes write them too, those with other bytes take the
next name. Objects that no pointer, history or lock names are of nobody: publications remove those that were superseded
`SUPERSEDED_S` ago, `nh prune` all such.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from nh_platform.session.errors import StoreError
from nh_platform.store.damage_notes import forget_damage, noted_damage
from nh_platform.store.hashing import file_names
from nh_platform.store.names import HISTORY, POINTER, PROVENANCE, STAGING
from nh_platform.store.objects.address import shown
from nh_platform.store.objects.bucket import Content, Entry, OtherContent
from nh_platform.store.objects.cache_size import make_room
from nh_platform.store.objects.mirror import Mirror, mirror_of
from nh_platform.store.objects.uploads import send_file
from nh_platform.store.records import replace_twice
from nh_platform.store.sealed import BrokenSeal, seal_lines, unseal_json, unseal_lines
from nh_platform.store.version_folders import history_names, is_abandoned, with_latest

SUPERSEDED_S = 86400.0
"""How long a version stays that another one took the place of [s], for who reads it on another machine."""
_TRIES = 50


def put_objects(asset: Path, staging: Path, name: str, *, keep_history: bool, kept: frozenset[str] | None) -> None:
    """Make what was written in a folder of this machine the version that counts; as of `put_version`.

    Raises
    ------
    StoreError
        If other machines publish the same asset again and again meanwhile.
    """
    mirror = mirror_of(asset)
    for _ in range(_TRIES):
        mirror.look_again(asset)
        seen = mirror.bucket.get(mirror.key(asset / POINTER))
        before = _named(seen)
        keep_history = keep_history or mirror.is_there(asset / HISTORY)
        if keep_history and before is not None and not history_names(asset):
            kept = None  # the log was lost: nothing tells which of the older versions counted, so all of them stay
        is_damaged = before is not None and bool(noted_damage(asset / before))
        if before is not None and not is_damaged and _holds(mirror, asset / before, staging):
            _settle(asset, staging, before)
            return
        version = _owned(mirror, asset, name, staging)
        _send(mirror, asset / version, staging, afresh=is_damaged)
        try:
            mirror.write(asset / POINTER, seal_lines([version]), None if seen is None else seen.e_tag)
        except OtherContent:  # another machine published meanwhile
            continue
        _send(mirror, asset / version, staging, by_size=True)  # had it been removed as nobody's, it is there again
        names = [one for one in (before, version) if one is not None]
        if keep_history:
            replace_twice(asset / HISTORY, partial(_logged, asset, tuple(names)))
            names += history_names(asset)
        _settle(asset, staging, version)
        if kept is not None and seen is not None and seen.answered - seen.written > SUPERSEDED_S:
            _remove_old(mirror, asset, kept.union(names), seen.answered)
        return
    found = "other machines publish it again and again"
    raise StoreError(shown(asset), found, "Materialize the session again when fewer runs go on.")


def unnamed_versions(asset: Path, named: Iterable[str]) -> list[Path]:
    """Return the versions of an asset that nothing names, and that nobody reads or writes any more by their age.

    Parameters
    ----------
    asset
        Folder of the asset.
    named
        Versions that stay.
    """
    mirror = mirror_of(asset)
    mirror.look_again(asset)
    seen = mirror.bucket.get(mirror.key(asset / POINTER))
    if seen is None:  # what a killed process left, or its pointer was lost: an unfinished version is of nobody
        names = [
            one for one in _old(mirror, asset, frozenset(named), mirror.bucket.clock()) if _lacks(mirror, asset / one)
        ]
    elif seen.answered - seen.written > SUPERSEDED_S and mirror.is_there(asset / str(_named(seen))):
        names = _old(mirror, asset, frozenset(named), seen.answered)
    else:
        names = []
    return [asset / one for one in names]


def remove_unnamed(version: Path) -> bool:
    """Remove one of `unnamed_versions`; return False where another machine has begun to publish it again."""
    mirror = mirror_of(version)
    return mirror.remove(version, unless_since=mirror.bucket.clock() - SUPERSEDED_S)


def _lacks(mirror: Mirror, version: Path) -> bool:
    """Return whether a version was never written to its end."""
    there = mirror.tree(version)
    try:
        stated = unseal_json(mirror.read(version / PROVENANCE))["files"]
    except (FileNotFoundError, BrokenSeal):
        return PROVENANCE not in there
    return any(name not in there for name in stated)


def _logged(asset: Path, names: tuple[str, ...]) -> bytes:
    logged = history_names(asset)
    for one in names:
        logged = with_latest(logged, one)
    return seal_lines(logged)


def _named(seen: Content | None) -> str | None:
    """Return the version that a pointer names; one that is damaged must not keep a new one from being published."""
    try:
        return None if seen is None else unseal_lines(seen.body)[0]
    except (BrokenSeal, IndexError):
        return None


def _holds(mirror: Mirror, version: Path, staging: Path) -> bool:
    """Return whether a version in the bucket holds the bytes of a folder, as far as e_tags tell."""
    there = mirror.tree(version)
    if PROVENANCE not in there or mirror.read(version / PROVENANCE) != (staging / PROVENANCE).read_bytes():
        return False
    return all(_is_sent(there.get(name), staging / name) for name in file_names(staging))


def _owned(mirror: Mirror, asset: Path, name: str, staging: Path) -> str:
    """Write the record of a version and return its name: that of the same bytes, or the next free."""
    record = (staging / PROVENANCE).read_bytes()
    number = 0
    while True:
        number += 1
        version = name if number == 1 else f"{name}-{number}"
        place = asset / version / PROVENANCE
        before = mirror.entry(place)
        try:
            mirror.write(place, record, over=None)
            if (
                before is not None
            ):  # it counts again: written anew, so that no machine removes it as superseded long ago
                mirror.write(place, record, over=before.e_tag)
        except OtherContent:
            continue
        return version


def _send(mirror: Mirror, version: Path, staging: Path, *, afresh: bool = False, by_size: bool = False) -> None:
    """Write the files of a version that are not in the bucket yet, several at a time.

    Parameters
    ----------
    mirror, version, staging
        The store, and the version there and on this machine.
    afresh
        Write those that are there too.
    by_size
        Take an object of the right size for the file.
    """
    mirror.look_again(version)
    there = mirror.tree(version)
    names = (*file_names(staging), PROVENANCE)
    lacking = [name for name in names if afresh or not _is_sent(there.get(name), staging / name, by_size=by_size)]
    mirror.bucket.each(lambda name: send_file(mirror.bucket, f"{mirror.key(version)}/{name}", staging / name), lacking)
    mirror.look_again(version)


def _is_sent(entry: Entry | None, file: Path, *, by_size: bool = False) -> bool:
    """Return whether an object is a file by its size and e_tag, which is the MD5 of what was written in one piece."""
    if entry is None or entry.size != file.stat().st_size:
        return False
    if by_size or len(entry.e_tag) != 32:  # written in parts, or encrypted by a key of its own: the reader's hash tells
        return True
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == entry.e_tag


def _settle(asset: Path, staging: Path, version: str) -> None:
    """Forget what was damaged, and keep the files on this machine, where they are likely read next."""
    forget_damage(asset)
    for left in asset.glob(f"{STAGING}*"):
        if left != staging and is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)
    moved = 0
    for name in (*file_names(staging), PROVENANCE):
        place = asset / version / name
        place.parent.mkdir(parents=True, exist_ok=True)
        moved += (staging / name).stat().st_size
        os.replace(staging / name, place)
    make_room(mirror_of(asset).root, moved)


def _remove_old(mirror: Mirror, asset: Path, keep: frozenset[str], now: float) -> None:
    for version in _old(mirror, asset, keep, now):
        if mirror.remove(asset / version, unless_since=now - SUPERSEDED_S):
            shutil.rmtree(asset / version, ignore_errors=True)


def _old(mirror: Mirror, asset: Path, keep: frozenset[str], now: float) -> list[str]:
    """Return the versions of an asset beside some, of which no object was written lately."""
    newest: dict[str, float] = {}
    for name, entry in mirror.tree(asset).items():
        version, slash, _ = name.partition("/")
        if slash and version not in keep:
            newest[version] = max(newest.get(version, 0.0), entry.written)
    return sorted(version for version, written in newest.items() if now - written > SUPERSEDED_S)
