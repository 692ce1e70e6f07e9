"""Machines around one bucket: each has a cache of its own, and a way to the bucket that can be spoiled.

Add here what a machine has of its own. What goes wrong on it stands in `injections`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer, serve_objects

PREFIX = "lab/store"
ADDRESS = f"s3://{BUCKET}/{PREFIX}"


@dataclass
class Machines:
    """A bucket, and the machines that reach it, which are made when they are first named.

    Parameters
    ----------
    server
        The bucket's.
    folder
        Where caches lie.
    """

    server: ObjectServer
    folder: Path
    ways: dict[str, ObjectFaults] = field(default_factory=dict)
    keys: Mapping[str, str] = field(
        default_factory=lambda: {
            "AWS_ACCESS_KEY_ID": f"AKIA{secrets.token_hex(8).upper()}",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        }
    )
    _stack: ExitStack = field(default_factory=ExitStack)

    def cache(self, name: str) -> Path:
        """Return the folder for what a machine has of the bucket."""
        return self.folder / f"cache-{name}"

    def variables(self, name: str) -> Mapping[str, str]:
        """Return the environment variables of a machine."""
        if name not in self.ways:
            way = ObjectFaults(self.server.url)
            self._stack.enter_context(way)
            self.ways[name] = way
        spoiled = {"NH_STORE_ENDPOINT": self.ways[name].url}
        return {"NH_STORE": ADDRESS, **self.direct(name), **spoiled}

    def direct(self, name: str) -> Mapping[str, str]:
        """Return those of a machine whose way is never spoiled."""
        return {"NH_STORE": ADDRESS, **self.server.environment(self.cache(name)), **self.keys}


@contextmanager
def machines(folder: Path) -> Iterator[Machines]:
    """Serve an empty bucket, and the ways to it."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # tells each of ten thousand requests
    with serve_objects() as server, ExitStack() as stack:
        yield Machines(server, folder, _stack=stack)
