"""A call that is bounded from outside answers, fails as it fails by itself, or is given up in time."""

from __future__ import annotations

import threading
import time

import pytest

from nh_platform.downloads.deadlines import within
from nh_platform.session import BadUpstreamData


def test_an_answer_in_time_is_returned_and_an_error_is_raised_unchanged() -> None:
    assert within(10.0, lambda: None, "server") is None

    def fail() -> None:
        raise TimeoutError("of the socket")

    with pytest.raises(TimeoutError, match="of the socket"):
        within(10.0, fail, "server")


def test_silence_is_given_up_by_name_with_what_to_do() -> None:
    released = threading.Event()
    started = time.monotonic()
    with pytest.raises(BadUpstreamData) as error:
        within(0.1, released.wait, "server", "Raise `timeout_s`.")
    assert time.monotonic() - started < 30.0
    assert str(error.value) == "server: no answer within 0.1 s. Raise `timeout_s`."
    released.set()
