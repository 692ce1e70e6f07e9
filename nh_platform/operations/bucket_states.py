"""What of a home lies in buckets: where, how much, how much of it this machine holds, and whether it can be reached.

Add here what is told of buckets by `nh status` and `nh doctor`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nh_platform.home.settings import PlatformSettings

_WAIT_S = 5.0
"""How long a request is repeated [s]: who asks for the state waits for the answer."""


@dataclass(frozen=True)
class BucketState:
    """Store, reviews or raw files of a home that lie in a bucket.

    Parameters
    ----------
    what, address
        Which of them, and where.
    n_files, n_bytes
        Raw files that are there, and their bytes; 0 of store and reviews, which are told by source.
    held_bytes, most_bytes
        Bytes of it that this machine holds, and that it may hold of all that lies in buckets.
    cache
        Folder of what it holds.
    trouble
        Why it cannot be read now, in words; empty where it can.
    """

    what: str
    address: str
    n_files: int
    n_bytes: int
    held_bytes: int
    most_bytes: int
    cache: Path
    trouble: str = ""


def bucket_roots(settings: PlatformSettings) -> dict[Path, str]:
    """Return what of a home lies in buckets, by the folder that stands for it: ``store``, ``reviews``, ``raw files``.

    Reviews that lie in the store are part of it.

    Raises
    ------
    ConfigError
        If the place of raw files is no address that can be.
    """
    from nh_platform.downloads.in_buckets.raw_places import raw_root
    from nh_platform.store.objects.address import is_in_bucket

    found = {settings.store: "store"}
    if not settings.reviews.is_relative_to(settings.store):
        found[settings.reviews] = "reviews"
    stated = [own.read.get("raw_dir") for own in settings.sources.values()]
    for root in sorted({raw_root(settings.home, one) for one in (None, *stated)}):
        found.setdefault(root, "raw files")
    return {root: what for root, what in found.items() if is_in_bucket(root)}


def bucket_states(settings: PlatformSettings) -> Iterator[BucketState]:
    """Give the state of everything of a home that lies in a bucket; each is asked one short question.

    A place of raw files that cannot be one is told as trouble.

    Raises
    ------
    ConfigError
        If the size of the cache is no number.
    """
    from nh_platform.downloads.in_buckets.raw_objects import RawObjects
    from nh_platform.session.errors import ConfigError, StoreError
    from nh_platform.store.objects.address import address_of, cache_folder
    from nh_platform.store.objects.bucket import Bucket
    from nh_platform.store.objects.cache_size import cache_bytes, held_bytes

    most = cache_bytes()
    try:
        roots = bucket_roots(settings)
    except ConfigError as error:
        yield BucketState("raw files", error.thing, 0, 0, 0, most, cache_folder(), f"{error.found}. {error.action}")
        return
    for root, what in roots.items():
        sizes, trouble = list[int](), ""
        try:
            if what == "raw files":
                sizes = list(RawObjects(root, deadline_s=_WAIT_S).listed().values())
            else:
                Bucket(address_of(root), _WAIT_S).clock()
        except StoreError as error:
            trouble = f"{error.found}. {error.action}"
        address, held = str(address_of(root)), held_bytes(root)
        yield BucketState(what, address, len(sizes), sum(sizes), held, most, root.parent, trouble)
