"""Errors of ONE, its server and the disk, and what they mean for the person running the platform.

Contains the translation of foreign exceptions into the platform's own, and which of them may pass by themselves. Add an
exception here when ONE raises one that a person should not have to decode. No request is made here.
"""

from __future__ import annotations

import errno
import http.client
import json
import urllib.error
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from nh_platform.downloads.credentials import without_credentials
from nh_platform.session import BadUpstreamData, ConfigError, NhError, StoreError, UnknownSession, UpstreamTrouble

TRANSIENT_STATUS = frozenset({429, 500, 502, 503, 504})
"""HTTP answers worth another attempt. ONE retries 429 and 503 of REST itself, the others and downloads not."""

LOGIN_STATUS = frozenset({401, 403})
"""HTTP answers to a withdrawn login, whatever was asked."""

LOGIN_PATH = "/auth-token"
"""Where a password is tried; 400 is Alyx' answer to a wrong one there, and elsewhere to a query it does not take."""


REQUEST_LINE = 4094
"""Longest request line in bytes that gunicorn takes by default (``limit_request_line``); Alyx runs behind it."""

QUERY_SHOWN = 160


def foreign_errors() -> tuple[type[BaseException], ...]:
    """Return the exception types that ONE lets through from its own code, the network and the disk."""
    import requests
    from one.alf.exceptions import ALFError

    return (ALFError, requests.RequestException, OSError, http.client.HTTPException, json.JSONDecodeError)


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an exception of requests or urllib carries, if any."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return int(error.response.status_code)
    if isinstance(error, urllib.error.HTTPError):
        return int(error.code)
    return None


def is_refused_login(error: BaseException) -> bool:
    """Return whether the server refused who asks, and not what was asked."""
    status = status_of(error)
    at_login = urlsplit(_url_of(error) or "").path.rstrip("/").endswith(LOGIN_PATH)
    return status in LOGIN_STATUS or (status == 400 and at_login)


def is_transient(error: BaseException) -> bool:
    """Return whether an error may pass by itself: server trouble or a broken connection."""
    import requests

    status = status_of(error)
    if status is not None:
        return status in TRANSIENT_STATUS
    network = (requests.RequestException, urllib.error.URLError, ConnectionError, http.client.HTTPException)
    return isinstance(error, (*network, json.JSONDecodeError))


def explain(error: BaseException, what: str, url: str | None) -> NhError:
    """Return the platform's error for a foreign one.

    Parameters
    ----------
    error
        What was raised.
    what
        The session or request that it happened in.
    url
        Address of Alyx, if remote.
    """
    from one.alf.exceptions import ALFError

    status = status_of(error)
    if status == 404:
        missing = _url_of(error) or url
        kind = BadUpstreamData if isinstance(error, urllib.error.HTTPError) else UnknownSession
        return kind(what, f"{missing} does not exist (HTTP 404)", "Run `nh sync ibl` to see what upstream holds now.")
    if is_refused_login(error) and not isinstance(error, urllib.error.HTTPError):
        return ConfigError(
            what,
            f"{url} refused the login (HTTP {status})",
            "Check NH_ONE_USERNAME and NH_ONE_PASSWORD, or NH_ONE_TOKEN; tokens change after a release.",
        )
    if status == 414:
        return ConfigError(
            what,
            f"{url} takes no request line of {len(_url_of(error) or '')} bytes (HTTP 414)",
            f"Ask its administrator to allow {REQUEST_LINE} bytes, gunicorn's own `limit_request_line`, also in "
            "a proxy before it. Waiting does not help.",
        )
    if status == 400:
        return BadUpstreamData(
            what,
            f"{url} does not take the query {_query_of(error)} (HTTP 400: {_detail_of(error)})",
            "The server is of a version that the platform does not know: report the query, and the server's version.",
        )
    if status is not None:
        place = _url_of(error) or url
        return UpstreamTrouble(what, f"{place} answered HTTP {status}", "Wait for the server and run it again.")
    if isinstance(error, ALFError):
        return BadUpstreamData(
            what, f"ONE does not find a dataset: {first_line(error)}", "Run `nh sync ibl` to see what upstream holds."
        )
    if is_transient(error):
        return ConfigError(
            what,
            f"no connection to {url}: {type(error).__name__}: {first_line(error)}",
            "Check NH_ONE_URL, NH_ONE_DATA_SERVER and the network, and run it again.",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            what,
            f"the disk of the download folder is full ({error.strerror})",
            "Free space or set `cache_dir` of the IBL settings to a larger disk, and run it again.",
        )
    return BadUpstreamData(
        what, f"{type(error).__name__}: {first_line(error)}", "Check that the file is there and readable."
    )


def _url_of(error: BaseException) -> str | None:
    url = getattr(error, "url", None) or getattr(getattr(error, "response", None), "url", None)
    return None if url is None else str(url)


def _query_of(error: BaseException) -> str:
    """Return what was asked, readable; a list of a hundred ids is cut."""
    parts = urlsplit(_url_of(error) or "")
    text = unquote(parts.path + (f"?{parts.query}" if parts.query else ""))
    return text if len(text) <= QUERY_SHOWN else f"{text[:QUERY_SHOWN]}…"


def _detail_of(error: BaseException) -> str:
    """Return what the server says, without tags where it says it as a web page."""
    response = getattr(error, "response", None)
    text = getattr(response, "text", "") or ""
    with suppress(ValueError, AttributeError):
        text = str(json.loads(text).get("detail") or text)
    return without_credentials(" ".join(text.split()))[:QUERY_SHOWN] or "no reason given"


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's text; ONE's ALF errors add a paragraph of advice about its own API."""
    return without_credentials((str(error).strip().splitlines() or [""])[0].strip())
