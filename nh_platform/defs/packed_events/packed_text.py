"""Packing of one stored event: zlib's format with words that most events have in common.

An event of Dagster is JSON of 0.6 to 6 kB, mostly names of classes and fields. Without common words zlib makes a third
of it, with them a seventh. When events look different, add a file of words (``words_2.txt``) and let `_NEWEST` be its
number; the files that are there never change, because what was packed by them is unpacked by them.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path

PACKED_FROM = 200
"""Characters from which a text is packed."""
_LEVEL = 6
"""Of zlib: 9 makes 3 % less of events, in a tenth more time."""
_NEWEST = 1
_BEGINNING = '{"__class__": "'
"""How Dagster begins its records. Other texts, as names and keys, are compared by SQL and stay as they are."""


def packed(text: str) -> str | bytes:
    """Return a text as it is stored: bytes where it is a long record of Dagster's, else the text itself.

    Examples
    --------
    >>> record = '{"__class__": "EventLogEntry", "dagster_event": ' + '{"message": "done"}' * 20 + "}"
    >>> len(record), len(packed(record)) < 80, unpacked(packed(record)) == record
    (429, True, True)
    >>> packed("units")
    'units'
    """
    if len(text) < PACKED_FROM or not text.startswith(_BEGINNING):
        return text
    packing = zlib.compressobj(_LEVEL, zdict=_words(_NEWEST))
    return bytes([_NEWEST]) + packing.compress(text.encode()) + packing.flush()


def unpacked(stored: str | bytes) -> str:
    """Return the text of what is stored.

    Raises
    ------
    ValueError
        If it was packed by a later version of the platform, or is damaged.
    """
    if isinstance(stored, str):
        return stored
    try:
        unpacking = zlib.decompressobj(zdict=_words(stored[0]))
        return (unpacking.decompress(stored[1:]) + unpacking.flush()).decode()
    except (OSError, IndexError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(
            f"a stored event of {len(stored)} bytes cannot be read: it is damaged, or of a later version of "
            "nh-platform; install the version that wrote it, or take the history from a backup"
        ) from error


@lru_cache
def _words(number: int) -> bytes:
    return Path(__file__).with_name(f"words_{number}.txt").read_bytes()
