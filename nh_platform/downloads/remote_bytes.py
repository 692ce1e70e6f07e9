"""Opening one remote file at an offset, over HTTP, and which of its errors may pass.

Add here what holds for every protocol; objects of S3 buckets are `s3_objects`. Retries, resuming and hashing are
`transfers`; which file is wanted, and where it lies, is the sources' matter.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

BLOCK_BYTES = 256 << 10
"""Bytes that are written at once; a connection that breaks loses less than this of what came."""

TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})
"""HTTP answers worth another attempt."""

RANGE_REFUSED = 416
"""HTTP answer to a range that begins beyond the end."""


@dataclass(frozen=True)
class Timeouts:
    """Longest waits in seconds: for a connection, and for the next byte."""

    connect_s: float = 10.0
    read_s: float = 60.0


class TransientError(Exception):
    """An error that may pass by itself.

    Parameters
    ----------
    text
        What happened, with the address.
    retry_after_s
        How long the server asks to wait, if it does.
    unreachable
        Whether there was no answer at all.
    """

    def __init__(self, text: str, retry_after_s: float = 0.0, unreachable: bool = False) -> None:
        self.text, self.retry_after_s, self.unreachable = text, retry_after_s, unreachable
        super().__init__(text)


class PermanentError(Exception):
    """An error that the same request will meet again: the file is not there, or not for us."""

    def __init__(self, text: str, missing: bool = False) -> None:
        self.text, self.missing = text, missing
        super().__init__(text)


class RangeRefused(Exception):
    """The server has fewer bytes than the offset asked for."""


@dataclass(frozen=True)
class RemoteBytes:
    """An open answer.

    Parameters
    ----------
    offset
        Position in the file of the first byte; 0 where the server does not resume.
    total
        Size of the whole file as the server states it now, if it does.
    blocks
        The bytes; may raise `TransientError`.
    etag
        ETag of what is sent, without quotation marks, where the server states one and it was looked at.
    """

    offset: int
    total: int | None
    blocks: Iterator[bytes]
    etag: str | None = None


class Opener(Protocol):
    """One address that a file can be had from."""

    @property
    def address(self) -> str:
        """Address of the file, as a person may use it."""

    @property
    def server(self) -> str:
        """Server or bucket, to remember one that does not answer."""

    def open(self, offset: int) -> AbstractContextManager[RemoteBytes]:
        """Open the file at ``offset``.

        Raises
        ------
        TransientError, PermanentError, RangeRefused
            As the server answers.
        """


@dataclass(frozen=True)
class HttpOpener:
    """A file at an HTTP address, through requests (proxies and certificates as its environment variables say).

    Parameters
    ----------
    address
        The URL, quoted.
    timeouts
        Longest waits.
    version
        ETag, or date as of Last-Modified, of the version of the file that is wanted: a part is asked for with If-Range,
        and a server that has another version now sends the whole. For addresses whose content may be replaced and
        where no hash tells.
    resumes
        Whether parts are asked for at all.
    headers
        Further headers: a login.
    """

    address: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    version: str | None = None
    resumes: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def server(self) -> str:
        """Scheme and host."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @contextmanager
    def open(self, offset: int) -> Iterator[RemoteBytes]:
        """Open the file at ``offset``; as of `Opener.open`."""
        import requests

        # identity: the hash is that of the file, not of a compressed transfer of it
        headers = {**self.headers, "Accept-Encoding": "identity"}
        if offset and self.resumes:
            headers["Range"] = f"bytes={offset}-"
            if self.version is not None:
                headers["If-Range"] = self.version
        try:
            timeout = (self.timeouts.connect_s, self.timeouts.read_s)
            response = _session().get(self.address, headers=headers, stream=True, timeout=timeout)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise TransientError(f"{self.address}: {error_words(error)}", unreachable=True) from error
        except requests.RequestException as error:
            raise PermanentError(f"{self.address}: {error_words(error)}") from error
        with response:
            check_status(response.status_code, self.address, response.headers.get("Retry-After"))
            resumed = response.status_code == 206
            yield RemoteBytes(
                offset=offset if resumed else 0,
                total=stated_total(response.headers, resumed),
                blocks=_http_blocks(response, self.address),
            )


def check_status(status: int, address: str, retry_after: str | None) -> None:
    """Raise what an HTTP status says of a request, nothing of one that was answered; as of `Opener.open`."""
    if status < 300:
        return
    text = f"{address} answered HTTP {status}"
    if status == RANGE_REFUSED:
        raise RangeRefused(text)
    if status in TRANSIENT_STATUS:
        raise TransientError(text, retry_after_s=_seconds(retry_after))
    if status in (404, 410):
        raise PermanentError(f"{address} does not exist (HTTP {status})", missing=True)
    raise PermanentError(text)


def _seconds(retry_after: str | None) -> float:
    """Return the wait that a Retry-After header asks for, in seconds or as a date; 0 where it makes no sense."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    if not retry_after:
        return 0.0
    try:
        return float(Retry().parse_retry_after(retry_after))
    except InvalidHeader:
        return 0.0


def stated_total(headers: Any, resumed: bool) -> int | None:
    """Return the size of the whole file from Content-Range (``bytes 5-9/10``) or Content-Length."""
    if resumed:
        stated = str(headers.get("Content-Range") or "").rpartition("/")[2]
    else:
        stated = str(headers.get("Content-Length") if headers.get("Content-Length") is not None else "")
    return int(stated) if stated.isdigit() else None


def _http_blocks(response: Any, address: str) -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    try:
        yield from response.iter_content(BLOCK_BYTES)
    except (OSError, HTTPError) as error:  # every exception of requests is an OSError
        raise TransientError(f"{address}: {error_words(error)}") from error


_sessions = threading.local()


def _session() -> Any:
    """Return this thread's requests session: it keeps connections open, and must not be shared or survive a fork."""
    import requests

    if getattr(_sessions, "owner", None) != os.getpid():
        _sessions.session, _sessions.owner = requests.Session(), os.getpid()
    return _sessions.session


def error_words(error: BaseException) -> str:
    """Return what a network error says: its innermost reason, without memory addresses and pool names."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    reason = getattr(inner, "reason", None)
    inner = reason if isinstance(reason, BaseException) else inner
    text = " ".join(str(part) for part in inner.args if not hasattr(part, "partial")) or str(inner)
    return f"{type(inner).__name__}: {re.sub(r'^.* object at 0x[0-9a-f]+>: |^HTTPS?Connection[^:]*: ', '', text)}"
