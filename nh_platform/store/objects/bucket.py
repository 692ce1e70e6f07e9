"""Requests to the bucket of a store: repeated until a deadline, conditional where asked, with errors in words.

Contains the one client. Add here what another request needs; files are sent by `uploads`. What objects mean is the
store's matter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nh_platform.session.errors import StoreError
from nh_platform.store.objects.address import ObjectAddress
from nh_platform.store.objects.bucket_trouble import answered_with, deadline_s, in_words, passes
from nh_platform.store.objects.client import CONNECTIONS, object_client

Result = TypeVar("Result")

_LONGEST_WAIT_S = 5.0
_BLOCK = 1 << 20
_AT_A_TIME = 1000
"""Objects that one request lists or removes."""


class Entry(NamedTuple):
    """What a listing says of an object: its e_tag, its size [bytes], when it was written [s since 1970]."""

    e_tag: str
    size: int
    written: float


class Content(NamedTuple):
    """Bytes of an object with its e_tag, when it was written and when the server answered [s since 1970]."""

    body: bytes
    e_tag: str
    written: float
    answered: float


class OtherContent(Exception):
    """A conditional write found other content than it was to replace."""


class Bucket:
    """The objects below the prefix of an address; keys are given without the prefix.

    Parameters
    ----------
    address
        Where the store lies.
    deadline_s
        How long a request is repeated [s]; as of ``NH_STORE_DEADLINE_S`` where None.
    """

    def __init__(self, address: ObjectAddress, deadline_s: float | None = None) -> None:
        self.address, self._deadline_s = address, deadline_s
        self._before = f"{address.prefix}/" if address.prefix else ""

    def listed(self, prefix: str = "", *, after: str = "", up_to: str | None = None) -> dict[str, Entry]:
        """Return the objects whose key begins with ``prefix``, by key.

        Parameters
        ----------
        prefix
            Begins the keys.
        after
            Keys up to this one are left out.
        up_to
            Keys from this one on are left out; all are in where None.
        """
        found: dict[str, Entry] = {}
        for page in self._pages(prefix, after, ""):
            for one in page.get("Contents", ()):
                key = str(one["Key"]).removeprefix(self._before)
                if up_to is not None and key >= up_to:
                    return found
                found[key] = _entry(one)
        return found

    def level(self, prefix: str) -> tuple[list[str], dict[str, Entry]]:
        """Return what lies directly below a prefix that ends with a slash or is empty: folders, and objects by name."""
        folders: list[str] = []
        objects: dict[str, Entry] = {}
        for page in self._pages(prefix, "", "/"):
            below = len(self._before + prefix)
            folders += [str(one["Prefix"])[below:].rstrip("/") for one in page.get("CommonPrefixes", ())]
            for one in page.get("Contents", ()):
                objects[str(one["Key"])[below:]] = _entry(one)
        return folders, objects

    def get(self, key: str) -> Content | None:
        """Return an object; None where there is none."""

        def request() -> Content | None:
            answer = self.client.get_object(**self.names(key))
            body = answer["Body"].read()
            return Content(body, _tag(answer["ETag"]), answer["LastModified"].timestamp(), _answered(answer))

        return self.tried(key, request, absent=True)

    def read_through(self, key: str, begin: Callable[[], Callable[[bytes], object]]) -> bool:
        """Hand over an object block by block; return whether there is one.

        Parameters
        ----------
        key
            The object.
        begin
            Called at the begin of each try, and returns what takes the blocks: of a try that breaks off it got some.

        Raises
        ------
        OSError
            If what takes them does.
        """

        def request() -> bool:
            answer = self.client.get_object(**self.names(key))
            take = begin()
            for block in answer["Body"].iter_chunks(_BLOCK):
                take(block)
            return True

        return bool(self.tried(key, request, absent=True))

    def download(self, key: str, place: Path) -> bool:
        """Write an object to a file of the disk; return whether there is one.

        Raises
        ------
        OSError
            If the disk refuses it.
        """
        with place.open("wb") as handle:

            def begin() -> Callable[[bytes], object]:
                handle.seek(0)
                handle.truncate()
                return handle.write

            return self.read_through(key, begin)

    def put(self, key: str, content: bytes, over: str | None = "*") -> str:
        """Write an object and return its e_tag.

        Parameters
        ----------
        key, content
            The object, and its bytes.
        over
            The e_tag of what it replaces; None where nothing may be there, ``*`` for whatever is there.

        Raises
        ------
        OtherContent
            If there is something else, or nothing where something was.
        """
        condition = {"IfNoneMatch": "*"} if over is None else {} if over == "*" else {"IfMatch": f'"{over}"'}

        def request() -> str:
            answer = self.client.put_object(**self.names(key), Body=content, **condition)
            return _tag(answer["ETag"])

        try:
            return self.tried(key, request)
        except OtherContent:
            # A try whose answer was lost may have written it.
            found = self.get(key)
            if found is not None and found.body == content:
                return found.e_tag
            raise

    def entry(self, key: str) -> Entry | None:
        """Return what the server says of an object without its bytes; None where there is none."""
        name = self._before + key
        asked = {"Bucket": self.address.bucket, "Prefix": name, "MaxKeys": 1}
        page = self.tried(key, lambda: self.client.list_objects_v2(**asked))
        return next((_entry(one) for one in page.get("Contents", ()) if one["Key"] == name), None)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are none of its business."""
        names = [self._before + key for key in keys]
        for first in range(0, len(names), _AT_A_TIME):
            some = [{"Key": name} for name in names[first : first + _AT_A_TIME]]

            def request(some: list[dict[str, str]] = some) -> list[Any]:
                asked = {"Objects": some, "Quiet": True}
                answer = self.client.delete_objects(Bucket=self.address.bucket, Delete=asked)
                return list(answer.get("Errors", ()))

            if refused := self.tried(names[first], request):
                found = f"{len(refused)} objects could not be removed: {refused[0].get('Message')}"
                raise StoreError(f"{self.address}", found, "See to it and run it again.")

    def clock(self) -> float:
        """Return the time by the clock of the server [s since 1970]: that of a machine may be set wrong."""
        asked = {"Bucket": self.address.bucket, "Prefix": self._before, "MaxKeys": 1}
        return _answered(self.tried("", lambda: self.client.list_objects_v2(**asked)))

    def each(self, do: Callable[[str], Result], keys: Iterable[str]) -> list[Result]:
        """Do something with many keys at the same time, and return the results in their order."""
        names = list(keys)
        if not names:
            return []
        with ThreadPoolExecutor(min(CONNECTIONS, len(names))) as pool:
            return list(pool.map(do, names))

    def _pages(self, prefix: str, after: str, delimiter: str) -> Iterator[dict[str, Any]]:
        asked: dict[str, Any] = {"Bucket": self.address.bucket, "Prefix": self._before + prefix}
        if after:
            asked["StartAfter"] = self._before + after
        if delimiter:
            asked["Delimiter"] = delimiter
        while True:
            page = self.tried(prefix, lambda: self.client.list_objects_v2(**asked))
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def names(self, key: str) -> dict[str, str]:
        """Return the arguments of a request that name an object."""
        return {"Bucket": self.address.bucket, "Key": self._before + key}

    @property
    def client(self) -> Any:
        """The client, for requests within `tried`."""
        return object_client()

    def tried(self, key: str, request: Callable[[], Any], *, absent: bool = False) -> Any:
        """Return what a request gives, repeated while the trouble may pass; None where the object is absent.

        Raises
        ------
        StoreError
            If the trouble does not pass within the deadline, or is of another kind.
        OtherContent
            If a condition was not met.
        """
        import tenacity

        deadline = deadline_s() if self._deadline_s is None else self._deadline_s
        with in_words(self.address, key, deadline):
            try:
                return tenacity.Retrying(
                    retry=tenacity.retry_if_exception(passes),
                    stop=tenacity.stop_after_delay(deadline),
                    wait=tenacity.wait_random_exponential(multiplier=0.1, max=_LONGEST_WAIT_S),
                    reraise=True,
                )(request)
            except Exception as error:
                status, code = answered_with(error)
                if absent and code in ("NoSuchKey", "404"):
                    return None
                if status == 412 or code == "NoSuchKey":
                    raise OtherContent(key) from error
                raise


def _entry(listed: Any) -> Entry:
    return Entry(_tag(listed["ETag"]), int(listed["Size"]), listed["LastModified"].timestamp())


def _tag(text: str) -> str:
    return text.strip('"')


def _answered(answer: Any) -> float:
    """Return when the server answered, by its own clock [s since 1970]."""
    stated = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(stated).timestamp() if stated else time.time()
