"""Trial of a bucket: whether it can be listed, written and cleared, and keeps the conditions of a write."""

from __future__ import annotations

import uuid

from nh_platform.session.errors import StoreError
from nh_platform.store.objects.address import ObjectAddress
from nh_platform.store.objects.bucket import Bucket, OtherContent

_NO_TAG = "0" * 32


def try_out(address: ObjectAddress, deadline_s: float | None = None) -> None:
    """Write an object below the prefix of a store, write it again under conditions that do not hold, and remove it.

    Parameters
    ----------
    address
        Where the store lies, or shall.
    deadline_s
        How long each request is repeated [s]; as of ``NH_STORE_DEADLINE_S`` where None.

    Raises
    ------
    StoreError
        If a request is refused or not answered, or a condition is not kept: two machines would overwrite each other.
    """
    bucket = Bucket(address, deadline_s)
    bucket.level("")
    key = f".trial-{uuid.uuid4().hex}"
    bucket.put(key, b"first", over=None)
    try:
        kept = [_is_refused(bucket, key, over) for over in (None, _NO_TAG)]
    finally:
        bucket.remove([key])
    if not all(kept):
        found = "its server ignores the conditions of a write (If-None-Match, If-Match)"
        action = "Use a server that keeps them: without, two machines would overwrite each other's publications."
        raise StoreError(str(address), found, action)


def _is_refused(bucket: Bucket, key: str, over: str | None) -> bool:
    try:
        bucket.put(key, b"second", over)
    except OtherContent:
        return True
    return False
