"""Where the raw files of a home lie: a folder of the disk, or a bucket that machines share.

Add here how their place is stated, and what is asked of raw files wherever they lie.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nh_platform.downloads.in_buckets.raw_objects import RawObjects
from nh_platform.downloads.raw_files import RawFiles, stored_raw_files
from nh_platform.downloads.transfers import RetryPolicy
from nh_platform.session import ConfigError, StoreError
from nh_platform.store.objects.address import (
    REVIEWS_VARIABLE,
    STORE_VARIABLE,
    is_address,
    is_in_bucket,
    local_root,
    located,
    parse_address,
)

RAW_VARIABLE = "NH_RAW"
RAW_FOLDER = "raw"


def stated_raw() -> str:
    """Return what ``NH_RAW`` says, a folder or an address; empty where nothing."""
    return os.environ.get(RAW_VARIABLE, "")


def raw_root(home: Path, stated: object = None, setting: str = "raw_dir") -> Path:
    """Return where the raw files of a home lie; of a bucket the folder of this machine that stands for it.

    Parameters
    ----------
    home
        The home folder.
    stated
        What ``raw_dir`` of the source says, a folder or an address; ``NH_RAW`` where nothing, and then ``raw``.
    setting
        Name of the setting, for errors.

    Raises
    ------
    ConfigError
        If it is an address that cannot be one, or one that the store or the reviews lie at, above or below.
    """
    if not stated and (stated := stated_raw()):
        setting = RAW_VARIABLE
    text = str(stated or RAW_FOLDER)
    return bucket_root(text, setting) if is_address(text) else home / text


def bucket_root(text: str, setting: str = "raw_dir") -> Path:
    """Return the folder of this machine that stands for the address of raw files.

    Raises
    ------
    ConfigError
        As of `raw_root`.
    """
    address = parse_address(text, setting)
    for variable in (STORE_VARIABLE, REVIEWS_VARIABLE):
        other = os.environ.get(variable, "")
        if is_address(other) and address.overlaps(parse_address(other, variable)):
            found = f"{text!r} and {variable}={other} lie in one another"
            action = "Give the raw files a prefix of their own, such as s3://my-bucket/raw beside s3://my-bucket/store."
            raise ConfigError(setting, found, action)
    return local_root(address)


def raw_files_at(
    root: Path, retries: RetryPolicy | None = None, keep_wrong: bool = True, setting: str = "raw_dir"
) -> RawFiles:
    """Return the raw files below a folder, or in the bucket that it stands for."""
    kind = RawObjects if is_in_bucket(root) else RawFiles
    return kind(root, retries, keep_wrong, setting)


def raw_sizes(root: Path) -> dict[Path, int]:
    """Return the bytes of the raw files below a folder, or in its bucket, that are named by an md5 of upstream's.

    Parameters
    ----------
    root
        Where they lie.

    Raises
    ------
    StoreError
        If the bucket does not answer.
    """
    if is_in_bucket(root):
        raw = RawObjects(root)
        weak = raw.weak_md5s()
        keys = raw.listed(afresh=True)
        return {root / key: size for key, size in sorted(keys.items()) if key.partition("/")[2] not in weak}
    found = {}
    for path in stored_raw_files(root):
        with suppress(FileNotFoundError):  # another process removed it
            found[path] = path.stat().st_size
    return found


def remove_raw(paths: Iterable[Path]) -> dict[Path, str]:
    """Remove raw files, and return those that could not be removed, with why.

    Parameters
    ----------
    paths
        Files as `raw_sizes` names them.
    """
    refused: dict[Path, str] = {}
    in_buckets: dict[Path, list[str]] = {}
    for path in paths:
        if is_in_bucket(path):
            root, key = located(path)
            in_buckets.setdefault(root, []).append(key)
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            refused[path] = f"{path} could not be removed: {error.strerror}"
    for root, keys in in_buckets.items():
        try:
            RawObjects(root).remove(keys)
        except StoreError as error:
            refused |= {root / key: str(error) for key in keys}
    return refused
