"""What a process knows of the objects of a store in a bucket: listings that are believed for a while, small records.

A session is listed by one request, all of a source together where many of them are looked at; their pointers and the
records that these name are then read in parallel. A small record is kept under its e_tag, so that one that did not
change is never asked for again. Add here what saves requests.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nh_platform.store.names import POINTER, PROVENANCE, TEXTS
from nh_platform.store.objects.bucket import Bucket, Content, Entry
from nh_platform.store.objects.cache_size import RECORDS, cache_refused
from nh_platform.store.sealed import BrokenSeal, unseal_lines

FRESH_S = 5.0
"""How long a listing is believed [s]: so late is a publication of another machine seen. Own ones are at once."""
_MANY_SESSIONS = 16
"""Sessions that are looked at one by one before all of their source are listed at once."""
_AT_A_TIME = 64
"""Sessions that one of the parallel listings of a source goes through."""

_DIGEST_BYTES = 32
"""Begin a small record that is kept: the SHA-256 of the rest."""


class Listings:
    """Listings and small records of a store in a bucket; threads may share it.

    Parameters
    ----------
    root
        The folder that stands for the store.
    bucket
        Its objects.
    """

    def __init__(self, root: Path, bucket: Bucket) -> None:
        self._root, self._bucket = root, bucket
        self._turn = threading.RLock()
        # Objects below `<source>/<session>/` or `.locks/`, or directly in the store, each with when it was listed.
        self._scopes: dict[str, tuple[float, dict[str, Entry]]] = {}
        self._folders: dict[str, tuple[float, list[str]]] = {}
        self._looks: dict[str, list[float]] = {}

    def beside(self, key: str) -> dict[str, Entry]:
        """Return the objects that are listed together with a key, by key: those of its session."""
        return self._objects(_scope(key))

    def of_source(self, source: str) -> dict[str, Entry]:
        """Return all objects of a source, by key, listed anew."""
        with self._turn:
            self._look_at_all(source)
            of_sessions = [listed[1] for scope, listed in self._scopes.items() if scope.startswith(f"{source}/")]
        return {key: entry for objects in of_sessions for key, entry in objects.items()}

    def forget(self, key: str) -> None:
        """Believe no listing any more of what lies beside a key."""
        with self._turn:
            self._scopes.pop(_scope(key), None)
            parts = key.split("/")
            for n_parts in range(len(parts) + 1):  # the first object of a source makes its folder, too
                self._folders.pop("/".join(parts[:n_parts]), None)

    def below(self, key: str) -> dict[str, Entry]:
        """Return the objects below a key, by the rest of theirs."""
        objects = self._objects(_scope(f"{key}/x" if key.count("/") < 2 else key))
        return {one[len(key) + 1 :]: entry for one, entry in objects.items() if one.startswith(f"{key}/")}

    def names(self, key: str) -> list[str]:
        """Return the names of the folders in the store, or in that of a source."""
        with self._turn:
            listed = self._folders.get(key)
            if listed is None or _is_old(listed[0]):
                began = time.monotonic()
                folders, objects = self._bucket.level(f"{key}/" if key else "")
                listed = self._folders[key] = began, sorted(folders)
                if not key:
                    self._scopes[""] = began, objects
            return listed[1]

    def _objects(self, scope: str) -> dict[str, Entry]:
        """Return the objects of a session or of another scope, listed anew where that is long ago."""
        with self._turn:
            listed = self._scopes.get(scope)
            if listed is not None and not _is_old(listed[0]):
                return listed[1]
            if not scope:
                self._folders.pop("", None)
                self.names("")
                return self._scopes[""][1]
            source, _, session = scope.partition("/")
            if session and self._is_one_of_many(source):
                self._look_at_all(source)
                if scope in self._scopes:
                    return self._scopes[scope][1]
            began = time.monotonic()
            objects = self._bucket.listed(f"{scope}/")
            self._scopes[scope] = began, objects
            self._learn(objects)
            return objects

    def _is_one_of_many(self, source: str) -> bool:
        now = time.monotonic()
        looks = self._looks[source] = [at for at in self._looks.get(source, ()) if now - at < FRESH_S] + [now]
        return len(looks) >= _MANY_SESSIONS

    def _look_at_all(self, source: str) -> None:
        """List all sessions of a source, in parallel, and read their small records."""
        self._looks[source] = []
        self._folders.pop(source, None)
        sessions = sorted(self.names(source), key=lambda name: f"{name}/")  # the order of keys
        began = time.monotonic()
        parts = [sessions[first : first + _AT_A_TIME] for first in range(0, len(sessions), _AT_A_TIME)]
        ends = {part[0]: f"{source}/{part[-1]}0" for part in parts}  # "0" follows "/": what is in its folder is in

        def list_part(first: str) -> dict[str, Entry]:
            return self._bucket.listed(f"{source}/", after=f"{source}/{first}/", up_to=ends[first])

        objects: dict[str, Entry] = {}
        for found in self._bucket.each(list_part, ends):
            objects |= found
        by_scope: dict[str, dict[str, Entry]] = {f"{source}/{session}": {} for session in sessions}
        for key, entry in objects.items():
            by_scope.setdefault(_scope(key), {})[key] = entry
        self._learn(objects)
        for scope, of_scope in by_scope.items():
            self._scopes[scope] = began, of_scope
        # Reading thousands of records for the first time takes longer than a listing is believed.
        ended = time.monotonic()
        for scope, of_scope in by_scope.items():
            self._scopes[scope] = ended, of_scope

    def _learn(self, objects: dict[str, Entry]) -> None:
        """Read the pointers of a listing, what these name, and texts of reviewers, in parallel."""
        self._read_all((key for key in objects if key.endswith(TEXTS)), objects)
        pointers = [key for key in objects if key.endswith(f"/{POINTER}")]
        self._read_all(pointers, objects)
        named = []
        for key in pointers:
            with suppress(BrokenSeal, IndexError):
                version = unseal_lines(self.kept(key, objects[key].e_tag) or b"")[0]
                named.append(f"{above(key)}/{version}/{PROVENANCE}")
        self._read_all((key for key in named if key in objects), objects)

    def _read_all(self, keys: Iterable[str], objects: dict[str, Entry]) -> None:
        lacking = [key for key in keys if not self._place(key, objects[key].e_tag).exists()]

        def read(key: str) -> None:
            found = self._bucket.get(key)
            if found is not None:
                self.keep(key, found)

        self._bucket.each(read, lacking)

    def kept(self, key: str, e_tag: str) -> bytes | None:
        """Return a small record that this machine keeps; None where it does not, or not whole.

        A power cut may leave it empty. Taken for what is in the bucket, a sound version would be noted as damaged.
        """
        try:
            stored = self._place(key, e_tag).read_bytes()
        except OSError:
            return None
        digest, body = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
        return body if hashlib.sha256(body).digest() == digest else None

    def _place(self, key: str, e_tag: str) -> Path:
        name = hashlib.sha256(f"{key}\n{e_tag}".encode()).hexdigest()[:32]
        return self._root / RECORDS / name[:2] / name

    def keep(self, key: str, found: Content) -> None:
        """Keep a small record on this machine."""
        kept = self._place(key, found.e_tag)
        fresh = kept.with_name(f"{kept.name}.{uuid.uuid4().hex[:8]}")
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(hashlib.sha256(found.body).digest() + found.body)
            os.replace(fresh, kept)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise cache_refused(self._root, error) from error


def _scope(key: str) -> str:
    """Return what is listed together with a key: its session, the locks, or what lies directly in the store."""
    parts = key.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0] if len(parts) == 2 else ""


def above(key: str) -> str:
    """Return the key of the folder that a key lies in."""
    return key.rpartition("/")[0]


def _is_old(listed: float) -> bool:
    return time.monotonic() - listed > FRESH_S
