"""Errors of ONE, its server and the disk, and what they mean for the person running the platform.

Contains the translation of foreign exceptions into the platform's own, and which of them may pass by themselves. Add an
exception here when ONE raises one that a person should not have to decode. No request is made here.
"""

from __future__ import annotations

import errno
import http.client
import json
import urllib.error

from nh_platform.session import BadUpstreamData, ConfigError, NhError, StoreError, UnknownSession

TRANSIENT_STATUS = frozenset({429, 500, 502, 503, 504})
"""HTTP answers worth another attempt. ONE retries 429 and 503 of REST itself, the others and downloads not."""

LOGIN_STATUS = frozenset({400, 401, 403})
"""HTTP answers to a wrong or withdrawn login; 400 is Alyx' answer to a wrong password."""


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
        missing = getattr(error, "url", None) or getattr(getattr(error, "response", None), "url", None) or url
        kind = BadUpstreamData if isinstance(error, urllib.error.HTTPError) else UnknownSession
        return kind(what, f"{missing} does not exist (HTTP 404)", "Run `nh sync ibl` to see what upstream holds now.")
    if status in LOGIN_STATUS and not isinstance(error, urllib.error.HTTPError):
        return ConfigError(
            what,
            f"{url} refused the login (HTTP {status})",
            "Check NH_ONE_USERNAME and NH_ONE_PASSWORD, or NH_ONE_TOKEN; tokens change after a release.",
        )
    if status is not None:
        place = getattr(error, "url", None) or url
        return BadUpstreamData(what, f"{place} answered HTTP {status}", "Wait for the server and run it again.")
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


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's text; ONE's ALF errors add a paragraph of advice about its own API."""
    return (str(error).strip().splitlines() or [""])[0].strip()
