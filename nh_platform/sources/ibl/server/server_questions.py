"""Questions by which `nh doctor` tells a usable Alyx or bucket from one that only listens.

Add here what a server must answer before IBL can be read from it. What is asked for a catalogue is `one_client` and
`public_bucket`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nh_platform.session import NhError
from nh_platform.session.errors import without_account
from nh_platform.sources.ibl.catalogue.public_bucket import PublicBucket
from nh_platform.sources.ibl.server.connection import Deadline, OneConnection
from nh_platform.sources.ibl.server.one_errors import (
    TRANSIENT_STATUS,
    first_line,
    foreign_errors,
    is_refused_login,
    status_of,
)
from nh_platform.sources.ibl.settings import IblSettings
from nh_platform.sources.servers import Answer, unreachable

_QUESTION = "/cache/info"
"""What every sync asks first: the date of the tables."""


def ask_alyx(url: str, account: Mapping[str, Any], wait_s: float) -> Answer:
    """Log in to Alyx and ask for the date of its tables.

    Parameters
    ----------
    url
        Its address.
    account
        ``username`` and ``password``, or ``token``, of the IBL settings; without either, it is asked as nobody.
    wait_s
        Longest wait in seconds, for all of it.
    """
    import requests

    if without_account(url) != url:
        return Answer(False, "is not asked: NH_ONE_USERNAME and NH_ONE_PASSWORD are for the account in NH_ONE_URL")
    has_account = bool(account.get("token") or (account.get("username") and account.get("password")))
    try:
        found = _as_account(url, account, wait_s) if has_account else _as_nobody(url, wait_s)
    except NhError as error:  # the deadline
        return unreachable(error.found)
    except (json.JSONDecodeError, requests.exceptions.JSONDecodeError):  # the latter is simplejson's where it is there
        return _no_alyx("it answers with no JSON")
    except foreign_errors() as error:
        return _answer_of(error, has_account)
    except (AssertionError, AttributeError, TypeError, ValueError) as error:  # ONE, on what is no answer of Alyx
        return _no_alyx(f"{type(error).__name__}: {first_line(error)}")
    if found is not None and "date_created" not in found:
        return _no_alyx(f"{_QUESTION} states no date_created")
    if not has_account:
        return Answer(True, "answers as Alyx does; no account is set, so that none was tried")
    return Answer(True, f"answers as Alyx does and takes {'the token' if account.get('token') else 'the password'}")


def ask_bucket(settings: Mapping[str, Any], wait_s: float) -> Answer:
    """Ask the public bucket for the date of its tables.

    Parameters
    ----------
    settings
        Settings of the source that say how the bucket is reached.
    wait_s
        Longest wait in seconds.
    """
    hurried = IblSettings(mode="public", attempts=1, signal_timeout_s=wait_s, cache_dir=settings.get("cache_dir"))
    try:
        PublicBucket(hurried).announcements()
    except NhError as error:
        if "EndpointConnectionError" in error.found:
            return unreachable(error.found)
        return Answer(None, f"it does not give the date of its tables ({error.found})")
    return Answer(True, "gives the date of its tables")


def _as_account(url: str, account: Mapping[str, Any], wait_s: float) -> Mapping[str, Any]:
    settings = IblSettings.model_validate({**account, "mode": "remote", "url": url, "attempts": 1})
    connection = OneConnection(settings)
    return dict(connection.call(lambda one: one.alyx.get(_QUESTION), url, Deadline(wait_s, "timeout_s")))


def _as_nobody(url: str, wait_s: float) -> Mapping[str, Any] | None:
    """Return the answer; None where it says in JSON that it wants an account, as Alyx does."""
    import requests

    reply = requests.get(url.rstrip("/") + _QUESTION, timeout=wait_s, headers={"Accept": "application/json"})
    if reply.status_code in (401, 403):
        return None if "detail" in reply.json() else {}
    reply.raise_for_status()
    return dict(reply.json())


def _answer_of(error: BaseException, has_account: bool) -> Answer:
    status = status_of(error)
    if has_account and is_refused_login(error):
        words = "Check NH_ONE_USERNAME and NH_ONE_PASSWORD, or NH_ONE_TOKEN; tokens change after a release"
        return Answer(False, f"refuses the login (HTTP {status}). {words}")
    if status in TRANSIENT_STATUS:
        return Answer(False if has_account else None, f"answers HTTP {status}: the server is in trouble")
    if status is not None:
        return _no_alyx(f"HTTP {status} where Alyx answers")
    return unreachable(first_line(error))


def _no_alyx(found: str) -> Answer:
    return Answer(False, f"answers, but not as Alyx does ({found}). Check NH_ONE_URL")
