"""Trial of a bucket: whether it can be listed, written and cleared, and keeps the conditions of a write."""

from __future__ import annotations

import uuid

from nh_platform.session.errors import StoreError
from nh_platform.store.objects.address import ObjectAddress
from nh_platform.store.objects.bucket import Bucket, Entry, OtherContent
from nh_platform.store.processes import is_running, process_name

TRIAL = ".trial-"
"""Begins the name of an object that is written to try a bucket out."""
_NO_TAG = "0" * 32
_LEFT_S = 86400.0
"""After which time what another machine wrote to try a bucket out is left behind [s, by the server's clock]."""


def try_out(address: ObjectAddress, deadline_s: float | None = None) -> None:
    """Write an object below the prefix of a store, write it again under conditions that do not hold, and remove it.

    What a process left that was killed meanwhile is removed first.

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
    bucket.remove([name for name, entry in bucket.level("")[1].items() if _is_left(bucket, name, entry)])
    key = f"{TRIAL}{process_name()}-{uuid.uuid4().hex[:8]}"
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


def _is_left(bucket: Bucket, name: str, entry: Entry) -> bool:
    """Return whether an object was left by a trial whose process is gone, by its age where another machine's is."""
    if not name.startswith(TRIAL):
        return False
    running = is_running(name.removeprefix(TRIAL).rpartition("-")[0])
    return not running if running is not None else entry.written < bucket.clock() - _LEFT_S
