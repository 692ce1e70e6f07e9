"""Server trouble at every request of the catalogue: what passes is survived, what stays is named, and in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from nh_platform.session import NhError
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import Tree

pytestmark = pytest.mark.slow

TROUBLE = (("status", {"status": 500}), ("status", {"status": 502}), ("reset", {}), ("empty", {}))
CATALOGUE = (
    r"/auth-token",
    r"/cache/info",
    r"/cache\.zip",
    r"/insertions",
    r"/sessions\?qc=WARNING",
    r"/data-notices",
    r"/datasets",
    r"/sessions/",
)
TIER_0 = (r"/auth-token", r"/cache/info", r"/tags", r"/revisions", r"/data-notices")
DAGSTER_TICK_S = 60.0
"""After this long Dagster ends a sensor's tick (``DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS``)."""

HANG_S, IN_TIME_S = 5.0, 4.5
"""How long a server hangs, and what is in time: well over what is asked for, since the machine may be busy."""

names = lambda pair: pair[0] + str(pair[1].get("status", ""))  # noqa: E731


@pytest.fixture(scope="module")
def calm(pristine: Tree) -> Iterator[Loopback]:
    """Give servers whose state no test may change; a fault must end with its hits, or be cleared."""
    with Loopback(pristine.root) as running:
        yield running


@pytest.fixture(autouse=True)
def no_fault_stays(calm) -> Iterator[None]:
    yield
    calm.alyx.faults.clear()
    calm.bucket.faults.clear()


@pytest.fixture(scope="module")
def expected(calm) -> tuple[str, str]:
    source = remote(calm)
    return source.manifest().version(), source.signal()


def remote(servers, **settings) -> IblSource:
    return IblSource(IblSettings.model_validate({**servers.settings, **settings}))


def seconds_until_named(source: IblSource, text: str) -> float:
    started = time.monotonic()
    with pytest.raises(NhError, match=text):
        source.signal()
    return time.monotonic() - started


@pytest.mark.parametrize("request_of", CATALOGUE)
@pytest.mark.parametrize("trouble", TROUBLE, ids=names)
def test_trouble_at_any_request_of_the_catalogue_that_passes_is_survived(calm, expected, request_of, trouble) -> None:
    kind, details = trouble
    fault = calm.alyx.faults.add(request_of, kind, times=2, **details)
    assert remote(calm).manifest().version() == expected[0]
    assert fault.hits == 2


@pytest.mark.parametrize("request_of", CATALOGUE)
def test_trouble_at_any_request_of_the_catalogue_that_stays_is_named(calm, request_of) -> None:
    calm.alyx.faults.add(request_of, "status", status=502)
    with pytest.raises(NhError, match=r"HTTP 502|the server gave none"):
        remote(calm).manifest()


@pytest.mark.parametrize("request_of", TIER_0)
@pytest.mark.parametrize("trouble", TROUBLE, ids=names)
def test_trouble_at_any_announcement_that_passes_is_survived(calm, expected, request_of, trouble) -> None:
    kind, details = trouble
    fault = calm.alyx.faults.add(request_of, kind, times=2, **details)
    assert remote(calm).signal() == expected[1]
    assert fault.hits == 2


@pytest.mark.parametrize("request_of", TIER_0)
@pytest.mark.parametrize(("kind", "text"), [("status", "HTTP 500"), ("reset", "no connection to http://127")])
def test_trouble_at_any_announcement_that_stays_is_named(calm, expected, request_of, kind, text) -> None:
    source = remote(calm)
    fault = calm.alyx.faults.add(request_of, kind)
    seconds_until_named(source, text)
    assert fault.hits == 3
    calm.alyx.faults.clear()
    assert source.signal() == expected[1]


@pytest.mark.parametrize("request_of", TIER_0)
def test_a_server_that_hangs_at_any_announcement_is_given_up_in_time(calm, expected, request_of) -> None:
    """Whatever may take how long otherwise: one download may take half an hour."""
    source = remote(calm, timeout_s=1800.0, signal_timeout_s=0.5)
    calm.alyx.faults.add(request_of, "hang", seconds=HANG_S)
    text = r"announcements of http.*no answer within 0\.\d+ s.*`signal_timeout_s`"
    assert 0.5 <= seconds_until_named(source, text) < IN_TIME_S
    calm.alyx.faults.clear()
    patient = remote(calm)
    assert patient.signal() == expected[1]


def test_all_attempts_together_end_in_time(calm) -> None:
    source = remote(calm, retry_wait_s=0.4, attempts=50, signal_timeout_s=1.0)
    calm.alyx.faults.add("/tags", "status", status=500)
    assert seconds_until_named(source, "HTTP 500") < IN_TIME_S


def test_a_server_that_asks_to_wait_is_given_up_in_time(calm) -> None:
    """ONE itself waits up to five minutes where a server says so."""
    source = remote(calm, signal_timeout_s=0.5)
    calm.alyx.faults.add("/tags", "status", status=429, retry_after="120", times=1)
    assert seconds_until_named(source, "no answer within") < IN_TIME_S


def test_a_look_does_not_wait_for_another_request_of_the_process(calm) -> None:
    calm.alyx.faults.add("/insertions", "hang", seconds=HANG_S)
    other = remote(calm)
    reading = threading.Thread(target=other.manifest)
    reading.start()
    while not any("/insertions" in path for _, path in calm.alyx.requests[-2:]):
        time.sleep(0.01)
    assert seconds_until_named(remote(calm, signal_timeout_s=0.5), "another request of this process") < IN_TIME_S
    reading.join()


@pytest.mark.parametrize("kind", ["hang", "stall"])
def test_a_bucket_that_hangs_is_given_up_in_time(calm, kind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in calm.bucket.environment.items():
        monkeypatch.setenv(name, value)
    settings = {**calm.public_settings, "signal_timeout_s": 0.9}
    source = IblSource(IblSettings.model_validate(settings))
    before = source.signal()
    calm.bucket.faults.add(r"cache_info\.json", kind, times=1, seconds=HANG_S)
    assert source.signal() == before, "the second attempt is in time"
    calm.bucket.faults.add(r"cache_info\.json", kind, seconds=HANG_S)
    assert seconds_until_named(source, "no answer within 0.9 s|timed out") < IN_TIME_S


@pytest.mark.parametrize("mode", ["remote", "public"])
def test_a_look_leaves_most_of_a_tick_to_the_rest_of_it(calm, mode) -> None:
    settings = calm.settings if mode == "remote" else calm.public_settings
    assert IblSettings.model_validate(settings).signal_timeout_s <= DAGSTER_TICK_S / 4
    with pytest.raises(ValueError, match="signal_timeout_s"):
        IblSettings.model_validate({**settings, "signal_timeout_s": DAGSTER_TICK_S})
