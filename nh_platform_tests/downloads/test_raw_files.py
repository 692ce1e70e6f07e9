"""Only whole, right files are ever published; what can pass is survived, what cannot is named, nothing is lost."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from nh_platform.downloads.batches import fetch_all
from nh_platform.downloads.raw_files import RawFiles, RawRequest
from nh_platform.downloads.remote_bytes import BLOCK_BYTES, HttpOpener, Timeouts
from nh_platform.downloads.s3_objects import S3Opener
from nh_platform.downloads.transfers import Cancelled, RetryPolicy
from nh_platform.session import BadUpstreamData, StoreError
from nh_platform_tests.downloads.bytes_server import BytesServer
from nh_platform_tests.downloads.conftest import CONTENT, MD5

HALF = len(CONTENT) // 2 // BLOCK_BYTES * BLOCK_BYTES
"""What is kept of half the bytes: whole blocks."""

FAST = Timeouts(connect_s=0.5, read_s=0.5)


@pytest.fixture
def raw(tmp_path: Path) -> RawFiles:
    return RawFiles(tmp_path / "raw", RetryPolicy(attempts=3, wait_s=0.0))


def request(content: bytes = CONTENT, **changes) -> RawRequest:
    stated = {"label": "session s, file a", "md5": hashlib.md5(content).hexdigest(), "size": len(content)}
    return RawRequest(**{**stated, **changes})


def at(server, path="/a") -> HttpOpener:
    return HttpOpener(server.url + path, FAST)


def published(raw: RawFiles) -> list[Path]:
    """Return every file under an md5 name; each must have that md5."""
    files = [p for p in raw.root.rglob("*") if p.is_file() and len(p.name) == 32 and p.parent.name == p.name[:2]]
    assert all(hashlib.md5(path.read_bytes()).hexdigest() == path.name for path in files)
    return files


def test_a_file_is_fetched_once_and_found_by_its_content(server, raw) -> None:
    came: list[int] = []
    file = raw.fetch(request(), [at(server)], came.append)
    assert file.path == raw.path(MD5) == raw.root / MD5[:2] / MD5
    assert file.path.read_bytes() == CONTENT
    assert (file.md5, file.size) == (MD5, len(CONTENT))
    assert sum(came) == len(CONTENT)
    assert raw.fetch(request(label="another session's copy"), []) == file
    assert len(server.requests) == 1
    assert file.path.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize(
    ("kind", "details", "n_requests"),
    [
        ("corrupt", {}, 2),
        ("truncated", {}, 2),
        ("short", {}, 2),
        ("empty", {}, 2),
        ("oversized", {}, 2),
        ("reset", {}, 2),
        ("hang", {"seconds": 2.0}, 2),
        ("stall", {"seconds": 2.0}, 2),
        ("status", {"status": 500}, 2),
        ("status", {"status": 502}, 2),
        ("status", {"status": 503}, 2),
        ("status", {"status": 429, "retry_after": "0"}, 2),
    ],
)
def test_a_fault_that_passes_is_survived(server, raw, kind, details, n_requests) -> None:
    server.faults.add("/a", kind, times=1, **details)
    came: list[int] = []
    assert raw.fetch(request(), [at(server)], came.append).path.read_bytes() == CONTENT
    assert len(server.requests) == n_requests
    assert sum(came) == len(CONTENT)
    assert len(published(raw)) == 1
    assert not list(raw.root.rglob("*.part"))


@pytest.mark.parametrize("kind", ["corrupt", "short", "empty", "oversized"])
def test_a_content_that_stays_wrong_goes_to_quarantine_and_is_named_with_both_hashes(server, raw, kind) -> None:
    server.faults.add("/a", kind)
    with pytest.raises(BadUpstreamData, match="in 3 tries") as error:
        raw.fetch(request(), [at(server)])
    assert len(server.requests) == 3
    assert published(raw) == []
    (kept,) = [path for path in (raw.root / "quarantine").iterdir() if path.suffix != ".json"]
    expected, actual = kept.name.split(".")
    assert expected == MD5
    assert actual == hashlib.md5(kept.read_bytes()).hexdigest() != MD5
    for text in ("session s, file a", MD5, actual, str(kept)):
        assert text in str(error.value)
    assert json.loads(kept.with_name(kept.name + ".json").read_text())["addresses"] == [f"{server.url}/a"]
    server.faults.clear()
    assert raw.fetch(request(), [at(server)]).path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("kind", "details", "text", "n_requests"),
    [
        ("status", {"status": 404}, r"/a does not exist \(HTTP 404\)", 1),
        ("status", {"status": 403}, "answered HTTP 403", 1),
        ("status", {"status": 503}, "answered HTTP 503; tried 3 times", 3),
        ("status", {"status": 429, "retry_after": "3600"}, "HTTP 429, and asks to wait 3600 s", 1),
        ("reset", {}, "tried 3 times", 3),
    ],
)
def test_a_server_that_stays_in_trouble_is_named(server, raw, kind, details, text, n_requests) -> None:
    server.faults.add("/a", kind, **details)
    with pytest.raises(BadUpstreamData, match=text) as error:
        raw.fetch(request(), [at(server)])
    assert error.value.thing == "session s, file a"
    assert len(server.requests) == n_requests
    assert published(raw) == []


def test_a_server_that_never_answers_does_not_hold_the_run(server, tmp_path: Path) -> None:
    server.faults.add("/a", "hang")
    began = time.monotonic()
    raw = RawFiles(tmp_path, RetryPolicy(attempts=2, wait_s=0.0))
    with pytest.raises(BadUpstreamData, match="Read timed out"):
        raw.fetch(request(), [HttpOpener(f"{server.url}/a", Timeouts(0.3, 0.3))])
    assert time.monotonic() - began < 30


def test_no_server_at_all_is_named(raw) -> None:
    with pytest.raises(BadUpstreamData, match=r"Connection refused.*Check the network"):
        raw.fetch(request(), [HttpOpener("http://127.0.0.1:9/a", FAST)])


def test_a_wait_that_the_server_asks_for_is_honoured(server, raw) -> None:
    server.faults.add("/a", "status", status=429, retry_after="1", times=1)
    began = time.monotonic()
    raw.fetch(request(), [at(server)])
    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("serves_ranges", [True, False])
def test_a_broken_connection_is_resumed_where_the_server_can(server, raw, serves_ranges) -> None:
    server.serves_ranges = serves_ranges
    server.faults.add("/a", "truncated", times=1)
    came: list[int] = []
    assert raw.fetch(request(), [at(server)], came.append).path.read_bytes() == CONTENT
    assert server.ranges == [("/a", f"bytes={HALF}-")]
    assert sum(came) == len(CONTENT)
    assert (min(came) < 0) == (not serves_ranges)


def test_a_partial_file_is_kept_and_never_trusted(server, raw) -> None:
    server.faults.add("/a", "truncated")
    server.serves_ranges = False
    with pytest.raises(BadUpstreamData, match="what came is kept and resumed"):
        raw.fetch(request(), [at(server)])
    part = raw.path(MD5).with_name(f"{MD5}.part")
    assert part.read_bytes() == CONTENT[:HALF]
    part.write_bytes(b"\0" * 1000 + part.read_bytes()[1000:])
    server.faults.clear()
    server.serves_ranges = True
    assert raw.fetch(request(), [at(server)]).path.read_bytes() == CONTENT
    assert [asked for _, asked in server.ranges[-1:]] == [f"bytes={HALF}-"]
    assert len(published(raw)) == 1


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"too much"])
def test_a_partial_file_of_full_length_is_published_or_fetched_anew(server, raw, left) -> None:
    raw.path(MD5).parent.mkdir(parents=True)
    raw.path(MD5).with_name(f"{MD5}.part").write_bytes(left)
    assert raw.fetch(request(), [at(server)]).path.read_bytes() == CONTENT
    assert len(server.requests) == (0 if left == CONTENT else 2)  # 416, and once whole


def test_progress_does_not_count_as_a_failed_attempt(tmp_path: Path) -> None:
    """Three broken connections in a file of 9 MiB are survived by two attempts: each brought over a MiB."""
    content = np.random.default_rng(1).bytes(9 << 20)

    with BytesServer() as server:
        server.files = {"/a": content}
        fault = server.faults.add("/a", "truncated", times=3)
        raw = RawFiles(tmp_path, RetryPolicy(attempts=2, wait_s=0.0))
        assert raw.fetch(request(content), [at(server)]).path.read_bytes() == content
        assert fault.hits == 3


def test_the_second_place_is_asked_where_the_first_fails(server, raw) -> None:
    with BytesServer() as first:
        assert raw.fetch(request(), [at(first), at(server)]).path.read_bytes() == CONTENT
        assert len(first.requests) == len(server.requests) == 1
        first.files = {"/b": b"wrong"}
        assert raw.fetch(request(b"other"), [at(first, "/b"), at(server, "/b")]).path.read_bytes() == b"other"


def test_a_place_that_does_not_answer_is_asked_last_from_then_on(server, raw) -> None:
    with BytesServer() as first:
        first.faults.add("/", "reset")
        for path, content in (("/a", CONTENT), ("/b", b"other")):
            raw.fetch(request(content), [at(first, path), at(server, path)])
        assert len(first.requests) == 1


def test_files_without_a_hash_are_weak_and_found_by_their_key(server, raw) -> None:
    wanted = request(b"other", md5=None, weak_key="allen_vc/7/ecephys.nwb/5")
    assert not raw.holds(wanted)
    file = raw.fetch(wanted, [at(server, "/b")])
    assert file.path == raw.path(hashlib.md5(b"other").hexdigest())
    assert raw.holds(wanted)
    assert raw.find(wanted) == file == raw.fetch(wanted, [])
    assert raw.find(request(md5=None, weak_key="allen_vc/7/ecephys.nwb/6")) is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["short", "empty", "oversized", "truncated"])
def test_files_without_a_hash_must_be_complete(server, raw, kind) -> None:
    server.faults.add("/b", kind)
    with pytest.raises(BadUpstreamData, match="session s, file a"):
        raw.fetch(request(b"other", md5=None, weak_key="k"), [at(server, "/b")])
    assert published(raw) == []


def test_a_wrong_size_upstream_does_not_matter_where_the_hash_is_right(server, raw) -> None:
    assert raw.fetch(request(size=len(CONTENT) * 22 // 138), [at(server)]).size == len(CONTENT)


def test_a_file_that_changed_on_the_disk_is_not_used_and_fetched_anew(server, raw, tmp_path: Path) -> None:
    path = raw.fetch(request(), [at(server)]).path
    path.chmod(0o644)
    path.write_bytes(b"\0" + CONTENT[1:])
    assert RawFiles(raw.root).get(MD5) is None
    assert raw.fetch(request(), [at(server)]).path.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_text_that_is_no_md5_never_becomes_a_path(raw) -> None:
    with pytest.raises(BadUpstreamData, match="not 32 lower-case hexadecimal digits"):
        raw.fetch(request(md5="../../etc/passwd"), [])


def test_what_does_not_fit_on_the_disk_is_refused_before_anything_is_fetched(server, raw) -> None:
    huge = request(size=10**18)
    with pytest.raises(StoreError, match=r"1000000000\.00 GB are to be downloaded"):
        raw.fetch(huge, [at(server)])
    with pytest.raises(StoreError, match="1 file"):
        fetch_all(raw, {"a": (huge, [at(server)])}, parallel=2)
    assert server.requests == []


def test_many_files_come_in_parallel_and_one_failure_does_not_stop_the_others(server, raw) -> None:
    contents = {f"/{number}": bytes([number]) * 10 for number in range(20)}
    server.files = {path: content for path, content in contents.items() if path != "/7"}
    batch = fetch_all(raw, {path: (request(c, label=path), [at(server, path)]) for path, c in contents.items()}, 4)
    assert list(batch.errors) == ["/7"]
    assert list(batch.files) == [path for path in contents if path != "/7"]
    assert len(published(raw)) == 19
    with pytest.raises(BadUpstreamData, match=r"^/7: "):
        batch.raise_first()


def test_a_transfer_stops_when_told_and_keeps_what_came(server, raw) -> None:
    server.faults.add("/a", "stall", seconds=0.3)
    stop = threading.Event()
    with pytest.raises(Cancelled):
        raw.fetch(request(), [at(server)], lambda _: stop.set(), stop)
    assert raw.path(MD5).with_name(f"{MD5}.part").stat().st_size > 0
    assert published(raw) == []


def test_an_object_of_a_bucket_is_resumed_and_its_failures_are_sorted(
    server, raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    quick = Config(signature_version=UNSIGNED, connect_timeout=0.5, read_timeout=0.5, retries={"total_max_attempts": 1})
    client = boto3.Session(region_name="us-east-1").client("s3", endpoint_url=server.url, config=quick)
    for kind, details in (
        ("truncated", {}),
        ("status", {"status": 503}),
        ("reset", {}),
        ("hang", {"seconds": 1.5}),
        ("corrupt", {}),
    ):
        server.faults.add("/a", kind, times=1, **details)
        assert raw.fetch(request(), [S3Opener(client, "bucket", "a")]).path.read_bytes() == CONTENT
        raw.path(MD5).unlink()
        server.faults.clear()
    assert server.ranges[0] == ("/bucket/a", f"bytes={len(CONTENT) // 2}-")
    with pytest.raises(BadUpstreamData, match=r"s3://bucket/gone does not exist \(HTTP 404\)"):
        raw.fetch(request(), [S3Opener(client, "bucket", "gone")])
    nobody = boto3.Session(region_name="us-east-1").client("s3", endpoint_url="http://127.0.0.1:9", config=quick)
    with pytest.raises(BadUpstreamData, match=r"Could not connect.*tried 3 times.*Check the network"):
        raw.fetch(request(), [S3Opener(nobody, "bucket", "a")])


FETCH = """
import hashlib, sys
from nh_platform.downloads.raw_files import RawFiles, RawRequest
from nh_platform.downloads.remote_bytes import HttpOpener
from nh_platform.downloads.transfers import RetryPolicy
root, url, md5 = sys.argv[1:]
print("ready", flush=True)
file = RawFiles(root, RetryPolicy(3, 0.05)).fetch(RawRequest("session s, file a", md5), [HttpOpener(url)])
print(hashlib.md5(file.path.read_bytes()).hexdigest())
"""


def start(raw, server) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, str(raw.root), f"{server.url}/a", MD5], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_of_several_processes_one_downloads_and_the_others_wait(server, raw) -> None:
    server.faults.add("/a", "stall", times=1, seconds=0.5)  # long enough for all to want it; then resumed by one
    running = [start(raw, server) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].split() for process in running] == [["ready", MD5]] * 2
    assert len(server.requests) == 2
    assert len(published(raw)) == 1


def test_a_killed_download_is_resumed_and_nothing_half_is_published(server, raw) -> None:
    server.faults.add("/a", "stall", times=1)
    process = start(raw, server)
    part = raw.path(MD5).with_name(f"{MD5}.part")
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size >= HALF):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert published(raw) == []
    came = part.stat().st_size
    assert raw.fetch(request(), [at(server)]).path.read_bytes() == CONTENT
    assert server.ranges == [("/a", f"bytes={came}-")]
    assert not part.exists()


FILL = textwrap.dedent(
    """
    import sys
    import nh_platform.downloads.download_folder as module
    from nh_platform.downloads.raw_files import RawFiles, RawRequest
    from nh_platform.session import StoreError
    from nh_platform.downloads.remote_bytes import HttpOpener
    module.SPARE_BYTES = 0
    raw = RawFiles(sys.argv[1])
    try:
        raw.fetch(RawRequest("session s, file a", sys.argv[3], size=None), [HttpOpener(sys.argv[2])])
    except StoreError as error:
        print(error)
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a tmpfs of its own")
def test_a_disk_that_fills_is_a_store_error_and_is_left_with_room(server, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        done = subprocess.run(
            [sys.executable, "-c", FILL, str(disk), f"{server.url}/a", MD5], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"session s, file a: the disk of {disk} is full; nothing was published")
        assert [path for path in disk.rglob("*") if path.is_file() and path.stat().st_size] == []
    finally:
        subprocess.run(["umount", str(disk)], check=False)
