"""Search of everything that a deployment leaves for secrets in clear: files, database, Redis, bucket.

Add here a place where a process could leave one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from nh_platform_tests.loopback.object_store import ObjectServer
from nh_platform_tests.services.deployment import Deployment

_BYTES = re.compile(rb"\\\\?x([0-9a-f]{8,})")
"""Bytes in a dump of the database."""
_REDIS_READERS: dict[str, Callable[[Any, bytes], object]] = {
    "string": lambda client, key: client.get(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "hash": lambda client, key: client.hgetall(key),
    "set": lambda client, key: client.smembers(key),
    "zset": lambda client, key: client.zrange(key, 0, -1),
    "stream": lambda client, key: client.xrange(key),
}


def secrets_found(secrets: Sequence[str], at: Deployment, bucket: ObjectServer, folders: Sequence[Path]) -> list[str]:
    """Return where secrets stand in clear.

    Parameters
    ----------
    secrets
        Words that nobody may read.
    at
        Its logs, database, Redis and settings are searched.
    bucket
        All its objects, with their keys and user metadata.
    folders
        More folders, all files of which are searched, and their names.
    """
    words = [one.encode() for one in secrets]
    places = [_files((at.folder, *folders)), _database(at), _redis(at), _objects(bucket)]
    return [
        name
        for name, content in chain.from_iterable(places)
        if any(word in content or word in name.encode() for word in words)
    ]


def _files(folders: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()


def _database(at: Deployment) -> Iterator[tuple[str, bytes]]:
    """Give the dump of the database, and what is packed in it."""
    dump = at.postgres.dump()
    yield "database", dump
    for number, packed in enumerate(_BYTES.finditer(dump)):
        digits = packed[1][: len(packed[1]) // 2 * 2]
        content = bytes.fromhex(digits.decode())
        yield f"bytes {number} of the database", content
        try:
            yield f"unpacked bytes {number} of the database", zlib.decompress(content)
        except zlib.error:
            continue


def _redis(at: Deployment) -> Iterator[tuple[str, bytes]]:
    import redis

    with redis.Redis.from_url(at.environment["NH_REDIS_URL"]) as client:
        for key in client.scan_iter():
            kind = client.type(key).decode()
            content = _REDIS_READERS[kind](client, key) if kind != "none" else b""
            yield f"redis {key.decode()}", repr(content).encode()


def _objects(bucket: ObjectServer) -> Iterator[tuple[str, bytes]]:
    for key in bucket.keys(""):
        yield f"object {key}", bucket.get(key)
