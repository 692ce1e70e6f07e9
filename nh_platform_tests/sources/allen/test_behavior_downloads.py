"""Downloads of Visual Behavior files: beside each other, resumed, whole or not at all, and every failure named."""

from __future__ import annotations

import errno
import multiprocessing
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nh_platform.downloads import deadlines, transfers
from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, StoreError
from nh_platform.simulation.allen.behavior.cloud_release import manifest_name
from nh_platform.sources.allen import AllenVbnSettings, AllenVisualBehaviorSource
from nh_platform_tests.sources.allen.bucket_server import BucketServer
from nh_platform_tests.sources.allen.vbn import nwb_path, session_ids

LISTING = r"list-type=2"


@dataclass
class Remote:
    """The stand-in, a folder to fetch into, and the folder that upstream was made from."""

    server: BucketServer
    root: Path
    upstream: Path

    def source(self, manifest: str = "latest", **settings: Any) -> AllenVisualBehaviorSource:
        values = {"endpoint": self.server.url, "manifest": manifest, "retry_wait_s": 0.0, "stall_s": 2.0, **settings}
        return AllenVisualBehaviorSource(AllenVbnSettings(root=self.root, mode="s3", **values))

    def path(self, number: int, release: str = "0.5.0") -> Path:
        return self.root / nwb_path(self.upstream, number, release).relative_to(self.upstream)

    def whole(self, number: int, release: str = "0.5.0") -> bytes:
        return nwb_path(self.upstream, number, release).read_bytes()

    def session(self, number: int) -> SessionFiles:
        return self.source().manifest().session(session_ids(self.upstream)[number])


@pytest.fixture
def remote(vbn_root: Path, tmp_path: Path) -> Iterator[Remote]:
    with BucketServer() as server:
        server.publish(vbn_root, "0.4.0")
        server.publish(vbn_root, "0.5.0")
        yield Remote(server, tmp_path / "cache", vbn_root)


def test_the_catalogue_answers_and_other_files_come_while_one_download_is_held(remote: Remote) -> None:
    first, second = (remote.session(number) for number in (0, 2))
    source = remote.source(stall_s=60.0)
    remote.server.faults.add(first.session_id + r".*versionId", "hang", times=1)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(source.read_spikes, first)
        while not remote.server.fetched(first.session_id):
            time.sleep(0.01)
        assert source.signal() == ",".join(manifest_name(version) for version in ("0.4.0", "0.5.0"))
        assert source.manifest().release == "0.5.0"
        assert source.read_spikes(second).spikes.n_units > 0
        assert not held.done()
        remote.server._stopping.set()  # lets the held request go on
        assert held.result().spikes.n_units > 0


def test_a_silent_bucket_is_given_up_before_dagster_gives_up_the_sensor(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deadlines.SIGNAL_WAIT_S <= 15
    monkeypatch.setattr(deadlines, "SIGNAL_WAIT_S", 0.5)
    remote.server.faults.add(LISTING, "hang")
    started = time.monotonic()
    with pytest.raises(BadUpstreamData, match=r"bucket visual-behavior-neuropixels-data: no answer within 0.5 s"):
        remote.source().signal()
    assert time.monotonic() - started < 10.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "details", "found"),
    [
        ("corrupt", {}, r"in 3 tries: its blake2b is [0-9a-f]{12}… and the release states [0-9a-f]{12}…"),
        ("short", {}, r"in 3 tries: \d+ bytes came and the bucket lists \d+"),
        ("empty", {}, r"in 3 tries: 0 bytes came and the bucket lists \d+"),
        ("oversized", {}, r"states \d+ bytes, where at most \d+ are expected; tried 3 times"),
        ("truncated", {"times": 1}, ""),
        ("status", {"status": 404}, r"does not exist \(HTTP 404\).*Sync the source"),
        ("status", {"status": 429}, r"answered HTTP 429; tried 3 times"),
        ("status", {"status": 503}, r"answered HTTP 503; tried 3 times"),
        ("status", {"status": 503, "times": 2}, ""),
        ("reset", {}, r"ConnectionReset|Connection was closed|[Cc]onnection"),
        ("hang", {}, r"[Tt]imed? ?out"),
        ("stall", {"times": 1}, ""),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_fault_is_named_nothing_wrong_is_published_and_the_others_go_on(
    remote: Remote, fault: str, details: dict[str, Any], found: str
) -> None:
    source = remote.source(stall_s=1.0 if fault in ("hang", "stall") else 30.0)
    bad, good = (source.manifest().session(session_ids(remote.upstream)[number]) for number in (0, 2))
    remote.server.faults.add(f"{bad.session_id}.nwb", fault, **details)
    if found:
        with pytest.raises(BadUpstreamData, match=f"NWB file .*{bad.session_id}.*({found})"):
            source.read_spikes(bad)
        assert not remote.path(0).exists()
        assert source.read_spikes(good).spikes.n_units > 0
        remote.server.faults.clear()
    assert source.read_spikes(bad).spikes.n_units > 0
    assert remote.path(0).read_bytes() == remote.whole(0)
    assert list(remote.path(0).parent.glob("*.part")) == []


def test_a_broken_download_is_resumed_and_not_begun_again(remote: Remote) -> None:
    session = remote.session(0)
    remote.server.faults.add(f"{session.session_id}.nwb", "truncated", times=1)
    counted: list[int] = []
    assert remote.source().fetch(session, ("spikes",), counted.append) == ()
    ((_, asked),) = remote.server.ranges
    assert int(asked.removeprefix("bytes=").removesuffix("-")) > 1 << 20
    assert sum(counted) == len(remote.whole(0))


@pytest.mark.parametrize("fault", ["truncated", "short", "empty"])
def test_a_broken_manifest_is_never_published(remote: Remote, fault: str) -> None:
    source = remote.source("0.5.0")
    remote.server.faults.add(r"manifests/.*v0\.5\.0", fault)
    with pytest.raises(BadUpstreamData, match=r"manifest .*v0\.5\.0\.json: it did not come whole"):
        source.manifest()
    assert [path.name for path in remote.root.iterdir() if path.is_file()] == []
    assert remote.source("0.4.0").manifest().release == "0.4.0"
    remote.server.faults.clear()
    (remote.root / manifest_name("0.5.0")).write_text('{"project_name": "visual')  # what a killed AllenSDK leaves
    assert source.manifest().release == "0.5.0"


def test_a_broken_table_is_never_published(remote: Remote) -> None:
    remote.server.faults.add(r"ecephys_sessions\.csv", "corrupt")
    with pytest.raises(BadUpstreamData, match=r"table ecephys_sessions\.csv: .*blake2b"):
        remote.source().manifest()
    assert not list(remote.root.rglob("ecephys_sessions.csv"))
    remote.server.faults.clear()
    assert len(remote.source().manifest().sessions) == 3


def test_a_full_disk_is_said_before_anything_comes(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    session = remote.session(0)
    usage = shutil.disk_usage(remote.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(StoreError, match=r"MB are to be downloaded to .* only 0.0 MB are free"):
        remote.source().read_spikes(session)
    assert remote.server.fetched("ecephys_session_") == []


def test_a_disk_that_fills_up_on_the_way_is_named_and_freed(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    session = remote.session(0)
    append = transfers.PartialFile.append

    def full(part: transfers.PartialFile, chunk: bytes) -> None:
        if part.size > 1 << 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(part, chunk)

    monkeypatch.setattr(transfers.PartialFile, "append", full)
    with pytest.raises(StoreError, match=r"NWB file .*the disk of .* is full; nothing was published"):
        remote.source().read_spikes(session)
    assert [path.name for path in remote.path(0).parent.iterdir()] == []
    monkeypatch.undo()
    assert remote.source().read_spikes(session).spikes.n_units > 0


def _read(root: Path, address: str, session_id: str, replies: Any) -> None:
    source = AllenVisualBehaviorSource(AllenVbnSettings(root=root, mode="s3", endpoint=address, retry_wait_s=0.0))
    replies.put(source.read_spikes(source.manifest().session(session_id)).spikes.n_units)


@pytest.mark.slow
def test_two_processes_fetch_a_session_once(remote: Remote) -> None:
    session_id = remote.session(0).session_id
    context = multiprocessing.get_context("spawn")
    replies = context.Queue()
    both = [context.Process(target=_read, args=(remote.root, remote.server.url, session_id, replies)) for _ in range(2)]
    for process in both:
        process.start()
    assert replies.get(timeout=60) == replies.get(timeout=60) > 0
    for process in both:
        process.join(30)
    assert len(remote.server.fetched(f"{session_id}.nwb")) == 1


@pytest.mark.slow
def test_a_process_killed_in_the_middle_leaves_nothing_that_is_read_and_the_next_goes_on(remote: Remote) -> None:
    session = remote.session(0)
    remote.server.faults.add(f"{session.session_id}.nwb", "stall", times=1)
    context = multiprocessing.get_context("spawn")
    replies = context.Queue()
    arguments = (remote.root, remote.server.url, session.session_id, replies)
    process = context.Process(target=_read, args=arguments)
    process.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if sum(part.stat().st_size for part in remote.path(0).parent.glob("*.part")) > 1 << 20:
            break
        time.sleep(0.02)
    process.kill()
    process.join(10)
    assert not remote.path(0).exists()
    assert remote.source().read_spikes(session).spikes.n_units > 0
    assert len(remote.server.ranges) == 1
    assert remote.path(0).read_bytes() == remote.whole(0)
