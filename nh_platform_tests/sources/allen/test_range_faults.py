"""Sessions of both Allen sources read by ranges from a bucket in trouble: read all the same, or named; never less."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nh_platform.session import UpstreamTrouble
from nh_platform.simulation.allen.behavior.cloud_release import BUCKET as BEHAVIOR_BUCKET
from nh_platform.simulation.allen.behavior.cloud_release import PROJECT
from nh_platform.sources.allen import (
    AllenVbnSettings,
    AllenVcSettings,
    AllenVisualBehaviorSource,
    AllenVisualCodingSource,
)
from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.serving import Reply
from nh_platform_tests.sources.allen.vbn import NORMAL, session_ids
from nh_platform_tests.sources.allen.vbn_bucket import serve_bucket
from nh_platform_tests.sources.allen.vc_bucket import serve_coding_bucket

pytestmark = pytest.mark.filterwarnings("ignore")

STALL_S = 2.0
NWB = r"\.nwb"


@dataclass
class Remote:
    """A source that reads by ranges, one of its sessions, the proxy of faults, and what upstream may do to the file."""

    source: AllenVisualCodingSource | AllenVisualBehaviorSource
    session_id: str
    faults: ObjectFaults
    change: Callable[[], None]

    def impatient(self) -> AllenVisualCodingSource | AllenVisualBehaviorSource:
        """Return the source as it waits for the next bytes no longer than `STALL_S`."""
        return replace(self.source, settings=self.source.settings.model_copy(update={"stall_s": STALL_S}))

    def asked(self) -> int:
        """Return how many requests for parts of session files there were."""
        return len([path for path, _ in self.faults.ranges if ".nwb" in path])


@pytest.fixture(params=["allen_vc", "allen_vbn"])
def remote(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released_root: Path, vbn_copy: Path
) -> Iterator[Remote]:
    read: dict[str, Any] = {"mode": "s3", "ranges": True, "retry_wait_s": 0.0}
    if request.param == "allen_vc":
        with serve_coding_bucket(released_root, monkeypatch) as objects:
            coding = AllenVisualCodingSource(AllenVcSettings(root=tmp_path / "cache", **read))
            (path,) = released_root.glob("session_*/session_*.nwb")
            below = path.relative_to(released_root).as_posix()
            session_id = path.stem.removeprefix("session_")
            yield Remote(coding, session_id, objects.faults, lambda: objects.put(below, path.read_bytes() + b"\0" * 8))
        return
    with serve_bucket(monkeypatch) as bucket, ObjectFaults(bucket.endpoint) as faults:
        bucket.publish(vbn_copy, "0.5.0")
        behavior = AllenVisualBehaviorSource(AllenVbnSettings(root=tmp_path / "cache", endpoint=faults.url, **read))
        session_id = session_ids(vbn_copy)[NORMAL]
        key = f"{PROJECT}/behavior_ecephys_sessions/{session_id}/ecephys_session_{session_id}.nwb"

        def withdraw() -> None:
            for version in bucket.client.list_object_versions(Bucket=BEHAVIOR_BUCKET, Prefix=key)["Versions"]:
                bucket.client.delete_object(Bucket=BEHAVIOR_BUCKET, Key=key, VersionId=version["VersionId"])

        yield Remote(behavior, session_id, faults, withdraw)


TROUBLE = (
    pytest.param({"kind": "status", "status": 500}, id="500", marks=pytest.mark.slow),
    pytest.param({"kind": "status", "status": 503}, id="503"),
    pytest.param({"kind": "reset"}, id="reset", marks=pytest.mark.slow),
    pytest.param({"kind": "truncated"}, id="truncated", marks=pytest.mark.slow),
    pytest.param({"kind": "short"}, id="short"),
    pytest.param({"kind": "empty"}, id="empty", marks=pytest.mark.slow),
)


@pytest.mark.parametrize("fault", TROUBLE)
def test_trouble_that_passes_costs_nothing_and_trouble_that_stays_is_named(
    remote: Remote, fault: dict[str, Any]
) -> None:
    session = remote.source.manifest().session(remote.session_id)
    expected = remote.source.read_events(session)
    remote.faults.faults.add(NWB, times=2, **fault)
    again = remote.source.read_events(session)
    assert again.notes == expected.notes
    assert all(again.tables[name].equals(table) for name, table in expected.tables.items())
    remote.faults.faults.clear()
    remote.faults.faults.add(NWB, **fault)
    before = remote.asked()
    with pytest.raises(UpstreamTrouble, match=f"session_{remote.session_id}.*a part of it did not come.*tried 3 times"):
        remote.source.read_events(session)
    assert remote.asked() - before == 3
    remote.faults.faults.clear()
    assert remote.source.read_events(session).notes == expected.notes


def test_a_slow_bucket_is_waited_for_and_a_silent_one_is_not(remote: Remote) -> None:
    session = remote.source.manifest().session(remote.session_id)
    remote.faults.faults.add(NWB, "hang", seconds=STALL_S / 10)
    assert remote.source.read_events(session).tables
    remote.faults.faults.clear()
    remote.faults.faults.add(NWB, "stall", times=1)
    assert remote.impatient().read_events(session).tables
    remote.faults.faults.add(NWB, "hang")
    with pytest.raises(UpstreamTrouble, match=r"did not come.*tried 3 times"):
        remote.impatient().read_events(session)


def test_trouble_in_the_middle_leaves_nothing_out(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    session = remote.source.manifest().session(remote.session_id)
    before = remote.asked()
    whole = remote.source.read_signals(session)
    n_requests, answer = remote.asked() - before, remote.faults.answer
    assert n_requests > 3
    for most in range(1, n_requests):
        left = iter(range(most))

        def answered(method: str, target: str, *rest: Any, left: Iterator[int] = left) -> Reply:
            if ".nwb" in target and next(left, None) is None:
                return Reply(503, b"", "application/xml")
            return answer(method, target, *rest)

        monkeypatch.setattr(remote.faults, "answer", answered)
        with pytest.raises(UpstreamTrouble):
            remote.source.read_signals(session)
    monkeypatch.setattr(remote.faults, "answer", answer)
    assert remote.source.read_signals(session).notes == whole.notes


def test_what_is_denied_or_was_replaced_or_comes_whole_is_named_at_once(remote: Remote) -> None:
    session = remote.source.manifest().session(remote.session_id)
    remote.faults.faults.add(NWB, "status", status=403)
    before = remote.asked()
    with pytest.raises(UpstreamTrouble, match=r"403.*Check the settings of the source"):
        remote.source.read_spikes(session)
    assert remote.asked() - before == 1
    remote.faults.faults.clear()
    remote.change()
    with pytest.raises(UpstreamTrouble, match=r"(was replaced|does not exist).*Sync the source"):
        remote.source.read_spikes(session)


def test_a_server_without_ranges_is_named(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    session, answer = remote.source.manifest().session(remote.session_id), remote.faults.answer

    def whole(method: str, target: str, headers: Any, body: bytes) -> Reply:
        if ".nwb" in target:
            del headers["Range"]
        return answer(method, target, headers, body)

    monkeypatch.setattr(remote.faults, "answer", whole)
    monkeypatch.setattr(remote.faults, "serves_ranges", False)
    read: Callable[[Any], Any] = remote.source.read_spikes
    with pytest.raises(UpstreamTrouble, match="its server knows no ranges"):
        read(session)
