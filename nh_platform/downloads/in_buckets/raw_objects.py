"""Raw files in a bucket: the same names as on a disk, shared by machines, each of which holds some of them for a while.

A file that is nowhere yet is downloaded to this machine, compared with the hash that upstream states, and written into
the bucket on condition that nobody has; one that is there comes from the bucket and is compared again. What this
machine holds is bounded with the stores that it reads (`nh_platform.store.objects.cache_size`). Add here what is
different of raw files that lie in a bucket; where they lie is `raw_places`.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from nh_platform.downloads.download_folder import Place
from nh_platform.downloads.hashes import file_hash, is_md5
from nh_platform.downloads.raw_files import LOCKS, QUARANTINE, WEAK, RawFile, RawFiles, RawRequest, file_state
from nh_platform.downloads.remote_bytes import Opener
from nh_platform.downloads.transfers import OnBytes, RetryPolicy, Transferred, WrongContent
from nh_platform.session import BadUpstreamData, StoreError
from nh_platform.store.objects.address import CACHE_VARIABLE, address_of, shown
from nh_platform.store.objects.bucket import Bucket, OtherContent
from nh_platform.store.objects.cache_size import INCOMING, make_room
from nh_platform.store.objects.uploads import send_file
from nh_platform.store.processes import is_running, process_name

_LISTED_S = 60.0
"""How long a listing is believed [s]: it serves counts and plans; whoever reads a file asks for the file."""
_STAYING = ".staying"
"""Folder for the files that a process reads now: links, which stay when the cache is cleared."""
_TRIES = 3
_HEX = "0123456789abcdef"


def is_raw_key(key: str) -> bool:
    """Return whether a key may be that of a raw file, or of a wrong one that was set aside.

    Examples
    --------
    >>> is_raw_key("d4/d41d8cd98f00b204e9800998ecf8427e"), is_raw_key("photos/cat.png")
    (True, False)
    """
    folder, _, name = key.partition("/")
    return folder == QUARANTINE or (len(folder) == 2 and is_md5(name))


class RawObjects(RawFiles):
    """The raw files in a bucket; threads, processes and machines may use them at once.

    Parameters
    ----------
    root
        The folder of this machine that stands for them.
    retries, keep_wrong
        As of `RawFiles`; what is kept of wrong files lies in the bucket too.
    setting
        Name of the setting that names the address.
    deadline_s
        How long a request is repeated [s]; as of ``NH_STORE_DEADLINE_S`` where None.
    """

    passes_through = True

    def __init__(
        self,
        root: Path | str,
        retries: RetryPolicy | None = None,
        keep_wrong: bool = True,
        setting: str = "raw_dir",
        deadline_s: float | None = None,
    ) -> None:
        super().__init__(root, retries, keep_wrong, CACHE_VARIABLE)  # what the disk refuses, the cache does
        self.bucket = Bucket(address_of(self.root), deadline_s)
        self._incoming = self.root / INCOMING
        self._damaged: set[str] = set()
        self._listed: tuple[float, dict[str, int]] = (-_LISTED_S, {})

    def get(self, md5: str) -> Path | None:
        """Return the file with this md5, fetched from the bucket where this machine has it not; None where none has.

        One whose content is not that of its name counts as none, and is written anew when it is fetched again.
        """
        path = self.path(md5)
        return path if self._is_intact(path, md5) or self._is_brought(md5) else None

    def find_all(self, requests: Mapping[str, RawRequest]) -> dict[str, RawFile | None]:
        """Return the files of many requests, fetched from the bucket at the same time; as of `RawFiles.find_all`."""
        found = self.bucket.each(lambda key: self.find(requests[key]), requests)
        return dict(zip(requests, found))

    def holds(self, request: RawRequest) -> bool:
        """Return whether the file of a request is in the bucket or on this machine, as a listing of a minute says."""
        md5 = request.md5 or self._weak_md5(request)
        return md5 is not None and (self.path(md5).exists() or self.key(md5) in self.listed())

    def key(self, md5: str) -> str:
        """Return the key of the file with this md5."""
        return self.path(md5).relative_to(self.root).as_posix()

    def listed(self, *, afresh: bool = False) -> Mapping[str, int]:
        """Return the bytes of every raw file in the bucket, by key; as it was up to a minute ago unless ``afresh``."""
        then, sizes = self._listed
        if afresh or time.monotonic() - then >= _LISTED_S:
            began = time.monotonic()
            sizes = {
                key: entry.size
                for objects in self.bucket.each(self.bucket.listed, _HEX)
                for key, entry in objects.items()
                if is_md5(key.partition("/")[2])
            }
            self._listed = began, sizes
        return sizes

    def remove(self, keys: Iterable[str]) -> None:
        """Remove raw files from the bucket, and what this machine holds of them."""
        keys = list(keys)
        self.bucket.remove(keys)
        for key in keys:
            with suppress(OSError):
                (self.root / key).unlink()

    def weak_md5s(self) -> set[str]:
        """Return the md5s of the files that upstream states none of."""
        records = self.bucket.each(self.bucket.get, self.bucket.listed(f"{WEAK}/"))
        return {str(json.loads(record.body)["md5"]) for record in records if record is not None}

    @contextmanager
    def staying(self, files: Mapping[str, Path]) -> Iterator[Mapping[str, Path]]:
        """Give files under names under which they stay until the end, although the cache be cleared meanwhile.

        Raises
        ------
        StoreError
            If the cache is cleared of a file again and again before it can be linked.
        """
        folder = self.root / _STAYING / f"{process_name()}-{uuid.uuid4().hex[:8]}"
        with self.alone("raw files that are read", self.root / LOCKS / "staying"):
            for left in (self.root / _STAYING).glob("*"):
                if is_running(left.name.rpartition("-")[0]) is False:
                    shutil.rmtree(left, ignore_errors=True)
            folder.mkdir(parents=True)
        try:
            yield {name: self._linked(path, folder) for name, path in files.items()}
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def set_aside(self, part: Path, wrong: WrongContent) -> Path | None:
        """Move a wrong file into the quarantine of the bucket; as of `RawFiles.set_aside`."""
        if not self.keep_wrong:
            return super().set_aside(part, wrong)
        key = f"{QUARANTINE}/{part.stem}.{wrong.got.md5}"
        send_file(self.bucket, key, part)
        note = {"expected": part.stem, "md5": wrong.got.md5, "problem": wrong.problem, "addresses": wrong.addresses}
        self.bucket.put(f"{key}.json", (json.dumps(note, indent=1) + "\n").encode())
        part.unlink()
        return self.root / key

    def _fetch(
        self, request: RawRequest, servers: Sequence[Opener], on_bytes: OnBytes | None, stop: Event | None
    ) -> RawFile:
        """Download a file to this machine, write it into the bucket, and keep it in the cache."""
        got = None if request.md5 is None else self._left_whole(request.md5)
        if got is None:
            part = self._incoming / f"{request.identity}.part"
            is_exact = request.md5 is None
            place = Place(request.label, self._unsent, part, request.problem, request.size, is_size_exact=is_exact)
            got = self.download(place, servers, on_bytes, stop)
        self._send(got)
        self._keep(self._unsent(got.md5), got.md5)
        if request.md5 is None:
            record = {"key": request.weak_key, "label": request.label, "md5": got.md5, "size": got.size}
            self.bucket.put(self._weak_key(request), (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
        return RawFile(self.path(got.md5), got.md5, got.size)

    def _unsent(self, md5: str) -> Path:
        """Return where a file lies that came whole and is not known to be in the bucket."""
        return self._incoming / md5

    def _left_whole(self, md5: str) -> Transferred | None:
        """Return what a process downloaded that was killed before the bucket had it; None where there is nothing."""
        path = self._unsent(md5)
        with suppress(FileNotFoundError, BadUpstreamData):
            if file_hash(path) == md5:
                return Transferred(md5, path.stat().st_size)
            path.unlink()
        return None

    def _send(self, got: Transferred) -> None:
        key, place = self.key(got.md5), self._unsent(got.md5)
        try:
            send_file(self.bucket, key, place, over="*" if got.md5 in self._damaged else None)
        except OtherContent:  # another machine was first
            there = self.bucket.entry(key)
            if there is None or there.size != got.size:
                send_file(self.bucket, key, place)
        self._damaged.discard(got.md5)
        self._listed = self._listed[0], {**self._listed[1], key: got.size}

    def _keep(self, fresh: Path, md5: str) -> None:
        """Take a file that was verified into the cache."""
        path = self.path(md5)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.chmod(0o444)
        os.utime(fresh)
        os.replace(fresh, path)
        self._checked[md5] = file_state(path)
        make_room(self.root, self._checked[md5][1])

    def _is_intact(self, path: Path, md5: str) -> bool:
        """Return whether this machine holds a file, hashed once per process and change; a spoiled one is removed."""
        try:
            seen = file_state(path)
            if self._checked.get(md5) != seen:
                if file_hash(path) != md5:
                    path.unlink(missing_ok=True)
                    return False
                self._checked[md5] = seen
            os.utime(path, ns=(time.time_ns(), seen[2]))  # used last; the time of its last write tells its state
        except (FileNotFoundError, BadUpstreamData):  # not there, or the cache is cleared of it now
            return False
        except PermissionError:  # the cache is another user's
            return True
        return True

    def _is_brought(self, md5: str) -> bool:
        """Fetch a file from the bucket; return whether it is there and right."""
        path, fresh = self.path(md5), self._incoming / uuid.uuid4().hex
        with self.alone(f"raw file {md5}", self.root / LOCKS / f"got-{md5[:3]}"):
            if self._is_intact(path, md5):
                return True
            self._incoming.mkdir(parents=True, exist_ok=True)
            try:
                for _ in range(2):
                    if not self.bucket.download(self.key(md5), fresh):
                        return False
                    if file_hash(fresh) == md5:
                        self._keep(fresh, md5)
                        return True
            finally:
                fresh.unlink(missing_ok=True)
        self._damaged.add(md5)
        return False

    def _linked(self, path: Path, folder: Path) -> Path:
        link = folder / path.name
        for _ in range(_TRIES):
            try:
                if not link.exists():
                    os.link(path, link)
                return link
            except FileNotFoundError:
                self.get(path.name)
            except OSError:  # a disk without links
                return path
        found = "the cache is cleared of it again and again"
        raise StoreError(shown(path), found, "Give the cache more room (NH_STORE_CACHE_GB), and run it again.")

    def _weak_key(self, request: RawRequest) -> str:
        return self._weak_path(request).relative_to(self.root).as_posix()

    def _weak_md5(self, request: RawRequest) -> str | None:
        record = self.bucket.get(self._weak_key(request))
        return None if record is None else str(json.loads(record.body)["md5"])
