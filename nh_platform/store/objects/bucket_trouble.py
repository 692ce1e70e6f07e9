"""Trouble with a bucket: which of it may pass, how long that is waited for, and what it is in words.

Add here how a failure of a request is told to a person.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from nh_platform.session.errors import ConfigError, StoreError
from nh_platform.store.objects.address import ObjectAddress

DEADLINE_VARIABLE = "NH_STORE_DEADLINE_S"
_DEADLINE_S = 120.0
_PASSING = ("InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "Throttling", "OperationAborted")
_CONFLICT = "ConditionalRequestConflict"
"""Two conditional writes of an object at the same instant: the next try learns which was first."""


def deadline_s() -> float:
    """Return how long a request is repeated that the server does not answer, or answers with trouble of its own [s].

    Raises
    ------
    ConfigError
        If ``NH_STORE_DEADLINE_S`` is no number.
    """
    stated = os.environ.get(DEADLINE_VARIABLE)
    try:
        return _DEADLINE_S if not stated else max(float(stated), 0.0)
    except ValueError:
        raise ConfigError(DEADLINE_VARIABLE, f"{stated!r} is no number of seconds", "Give one such as 120.") from None


def answered_with(error: BaseException) -> tuple[int, str]:
    """Return the status and the code of an answer that refuses; 0 and an empty text of any other error."""
    answer = getattr(error, "response", None)
    if not isinstance(answer, dict):
        return 0, ""
    return (
        int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)),
        str(answer.get("Error", {}).get("Code", "")),
    )


def passes(error: BaseException) -> bool:
    """Return whether a request is worth repeating: the server, or the way to it, is in trouble."""
    from botocore import exceptions as of_client
    from urllib3.exceptions import HTTPError

    status, code = answered_with(error)
    if status:
        return status >= 500 or status == 429 or code in (*_PASSING, _CONFLICT)
    no_answer = (
        *(of_client.HTTPClientError, of_client.IncompleteReadError, of_client.ResponseStreamingError),
        *(of_client.ConnectionError, of_client.FlexibleChecksumError, HTTPError, ConnectionError, TimeoutError),
    )
    return isinstance(error, no_answer)


@contextmanager
def in_words(address: ObjectAddress, key: str, deadline: float) -> Iterator[None]:
    """Say in words why a bucket could not be read or written."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (BotoCoreError, ClientError, HTTPError, ConnectionError, TimeoutError) as error:
        status, code = answered_with(error)
        thing = f"{address}/{key}" if key else str(address)
        keys = "the keys in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or a profile)"
        if isinstance(error, NoCredentialsError) or code in ("InvalidAccessKeyId", "SignatureDoesNotMatch"):
            found = f"the bucket takes no such keys ({code})" if code else "there are no keys for the bucket"
            raise StoreError(thing, found, f"Set {keys}.") from None
        if code == "NoSuchBucket":
            raise StoreError(str(address), "there is no such bucket", "Make it, or correct the address.") from None
        if status in (401, 403):
            found = "access is refused"
            raise StoreError(thing, found, f"Give {keys} the right to list, get, put and delete there.") from None
        if passes(error):
            found = f"the bucket does not answer as it should, tried for {deadline:g} s: {_words(error)}"
            raise StoreError(
                thing, found, "What was stored is unchanged; try again when the server is well."
            ) from error
        raise StoreError(thing, f"the request was refused: {_words(error)}", "Nothing was changed.") from error


def _words(error: BaseException) -> str:
    status, code = answered_with(error)
    return f"{status} {code}" if status else type(error).__name__
