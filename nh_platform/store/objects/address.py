"""Address of a store in a bucket, and the folder of this machine that stands for it.

A path below that folder says by itself which object it stands for, so that every reader goes on taking paths, in
worker processes too. Add here what is told by an address or such a path alone; requests are `bucket`'s.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from nh_platform.session.errors import ConfigError

STORE_VARIABLE = "NH_STORE"
REVIEWS_VARIABLE = "NH_REVIEWS"
CACHE_VARIABLE = "NH_STORE_CACHE"

_SCHEME, _MARK = "s3://", "store-of-s3="
"""A folder whose name begins with the mark holds what this machine has of a store; the quoted address follows."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX_PART = re.compile(r"[A-Za-z0-9_.=@+-]+")
_LONGEST = 200
"""Characters of a quoted address; names of folders end at 255."""


class ObjectAddress(NamedTuple):
    """Bucket and prefix of a store, the prefix without a slash at either end and empty for a whole bucket."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return _SCHEME + "/".join(filter(None, self))

    def overlaps(self, other: ObjectAddress) -> bool:
        """Return whether one lies in the other, or both are the same.

        Examples
        --------
        >>> parse_address("s3://lab/store").overlaps(parse_address("s3://lab"))
        True
        >>> parse_address("s3://lab/store").overlaps(parse_address("s3://lab/store-2"))
        False
        """
        first, second = (f"{address}/" for address in (self, other))
        return first.startswith(second) or second.startswith(first)


def is_address(text: str) -> bool:
    """Return whether a text is meant as the address of a bucket, not as a folder."""
    return "://" in text


def parse_address(text: str, setting: str = "store") -> ObjectAddress:
    """Return the address that a text such as ``s3://bucket/prefix`` states.

    Parameters
    ----------
    text
        The address.
    setting
        What states it, for the error.

    Raises
    ------
    ConfigError
        If it is of another scheme, or no bucket or prefix that can be.
    """
    action = "Give one such as s3://my-bucket/neuropixels; keys and endpoint come from the environment."
    if not text.startswith(_SCHEME):
        raise ConfigError(setting, f"{text!r} is no folder and no address that begins with {_SCHEME}", action)
    bucket, _, prefix = text.removeprefix(_SCHEME).partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise ConfigError(setting, f"{text!r} names no bucket", action)
    parts = prefix.split("/") if prefix else []
    if any(not _PREFIX_PART.fullmatch(part) or part in (".", "..") for part in parts):
        found = f"the prefix of {text!r} has other characters than letters, digits, _ . = @ + and -"
        raise ConfigError(setting, found, action)
    found_address = ObjectAddress(bucket, prefix)
    if len(_quoted(found_address)) > _LONGEST:
        raise ConfigError(setting, f"{text!r} is longer than {_LONGEST} characters", action)
    return found_address


def cache_folder() -> Path:
    """Return the folder for what this machine has of stores in buckets: that of ``NH_STORE_CACHE``, or of the user."""
    if stated := os.environ.get(CACHE_VARIABLE):
        return Path(stated).absolute()
    of_user = os.environ.get("XDG_CACHE_HOME")
    return (Path(of_user) if of_user else Path.home() / ".cache") / "nh_platform" / "stores"


def local_root(address: ObjectAddress) -> Path:
    """Return the folder of this machine that stands for a store in a bucket."""
    return cache_folder() / (_MARK + _quoted(address))


def roots_in(cache: Path) -> list[Path]:
    """Return the folders of a cache that stand for stores, reviews or raw files in buckets."""
    return sorted(cache.glob(f"{_MARK}*"))


def is_in_bucket(path: Path) -> bool:
    """Return whether a path stands for an object of a store in a bucket, or for the root of one."""
    return _MARK in str(path)


def located(path: Path) -> tuple[Path, str]:
    """Return the root of the store in a bucket that a path lies below, and the rest of it with slashes.

    Raises
    ------
    ValueError
        If it lies below none.
    """
    head, mark, rest = str(path).partition(_MARK)
    if not mark:
        raise ValueError(f"{path} is no path of a store in a bucket")
    name, _, below = rest.partition("/")
    return Path(head + mark + name), below


@cache
def address_of(root: Path) -> ObjectAddress:
    """Return the address that the root of a store in a bucket stands for."""
    bucket, _, prefix = unquote(root.name.removeprefix(_MARK)).partition("/")
    return ObjectAddress(bucket, prefix)


def shown(path: Path) -> str:
    """Return a path as a person knows it: the address of what lies in a bucket."""
    if not is_in_bucket(path):
        return str(path)
    root, below = located(path)
    return "/".join(filter(None, (str(address_of(root)), below)))


def _quoted(address: ObjectAddress) -> str:
    return quote("/".join(filter(None, address)), safe="")
