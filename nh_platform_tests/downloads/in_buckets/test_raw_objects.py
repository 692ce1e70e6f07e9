"""Raw files in a bucket: verified on the way in and out, sent once, shared by machines, and never lost by a kill."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import time
import uuid
from pathlib import Path

import pytest

from nh_platform.downloads.batches import fetch_all
from nh_platform.downloads.in_buckets.raw_objects import RawObjects
from nh_platform.downloads.in_buckets.raw_places import bucket_root, raw_files_at, raw_root
from nh_platform.downloads.raw_files import RawFiles, RawRequest
from nh_platform.downloads.remote_bytes import HttpOpener, Timeouts
from nh_platform.downloads.transfers import RetryPolicy
from nh_platform.session import BadUpstreamData, ConfigError, StoreError
from nh_platform.store.objects import cache_size, uploads
from nh_platform.store.objects.cache_size import held_bytes
from nh_platform_tests.downloads.bytes_server import BytesServer
from nh_platform_tests.downloads.conftest import CONTENT, MD5
from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import BUCKET, FORK, ObjectServer, on_machine

FAST = Timeouts(connect_s=2.0, read_s=2.0)


@pytest.fixture
def prefix(led_to_bucket: ObjectServer) -> str:
    """Prefix of raw files in the bucket, to which this process is led."""
    return f"{uuid.uuid4().hex[:12]}/raw"


def raw_files(prefix: str) -> RawObjects:
    found = raw_files_at(bucket_root(f"s3://{BUCKET}/{prefix}"), RetryPolicy(attempts=2, wait_s=0.0))
    assert isinstance(found, RawObjects)
    return found


def request(content: bytes = CONTENT, **changes) -> RawRequest:
    stated = {"label": "session s, file a", "md5": hashlib.md5(content).hexdigest(), "size": len(content)}
    return RawRequest(**{**stated, **changes})


def at(server: BytesServer, path: str = "/a") -> HttpOpener:
    return HttpOpener(server.url + path, FAST)


def require_right(objects: ObjectServer, prefix: str) -> dict[str, bytes]:
    """Return the raw files in the bucket by md5; each must have the md5 of its name."""
    found = {key: objects.get(key) for key in objects.keys(f"{prefix}/")}
    files = {key.rpartition("/")[2]: body for key, body in found.items() if len(key.rpartition("/")[2]) == 32}
    assert all(hashlib.md5(body).hexdigest() == md5 for md5, body in files.items())
    return files


def test_a_file_is_downloaded_once_and_another_machine_has_it_from_the_bucket(
    server, prefix: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[int] = []
    file = raw_files(prefix).fetch(request(), [at(server)], came.append)
    assert (file.path.read_bytes(), file.md5, file.size) == (CONTENT, MD5, len(CONTENT))
    assert sum(came) == len(CONTENT)
    assert object_server.get(f"{prefix}/{MD5[:2]}/{MD5}") == CONTENT
    assert held_bytes(raw_files(prefix).root) == len(CONTENT)
    assert not [path for path in (raw_files(prefix).root / ".incoming").iterdir() if path.suffix != ".lock"]
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "other"))
    other = raw_files(prefix)
    assert other.holds(request())
    assert other.place(request()) is None
    found = other.fetch(request(), [])
    assert found.path.read_bytes() == CONTENT
    assert found.path.is_relative_to(tmp_path / "other")
    assert other.place(request()) == found.path
    assert len(server.requests) == 1


def test_a_file_without_an_md5_is_found_by_its_key(server, prefix: str, tmp_path: Path, monkeypatch) -> None:
    weak = request(md5=None, weak_key="ibl/1/1500000")
    assert raw_files(prefix).fetch(weak, [at(server)]).md5 == MD5
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "other"))
    other = raw_files(prefix)
    assert other.holds(weak)
    found = other.find(weak)
    assert found is not None
    assert found.path.read_bytes() == CONTENT
    assert other.weak_md5s() == {MD5}
    assert other.find(request(md5=None, weak_key="ibl/2/1500000")) is None


def test_many_are_found_at_once_and_what_lacks_is_fetched(server, prefix: str) -> None:
    raw = raw_files(prefix)
    requests = {"a": request(), "b": request(b"other", label="b")}
    openers = {"a": [at(server)], "b": [at(server, "/b")]}
    batch = fetch_all(raw, {name: (requests[name], openers[name]) for name in requests}, parallel=2)
    assert batch.errors == {}
    found = raw.find_all({**requests, "c": request(b"none")})
    assert [one and one.path.read_bytes() for one in found.values()] == [CONTENT, b"other", None]
    assert sorted(raw.listed(afresh=True).values()) == [5, len(CONTENT)]


@pytest.mark.parametrize("spoiled", [CONTENT[:-1], b"", CONTENT[:-1] + b"x"])
def test_a_damaged_object_counts_as_none_and_is_written_anew(
    spoiled: bytes, server, prefix: str, object_server: ObjectServer
) -> None:
    object_server.put(f"{prefix}/{MD5[:2]}/{MD5}", spoiled)
    raw = raw_files(prefix)
    assert raw.get(MD5) is None
    assert raw.fetch(request(), [at(server)]).path.read_bytes() == CONTENT
    assert require_right(object_server, prefix) == {MD5: CONTENT}


@pytest.mark.parametrize("spoiled", [b"", CONTENT[:-1] + b"x"])
def test_a_file_that_was_spoiled_on_this_machine_comes_anew(spoiled: bytes, server, prefix: str) -> None:
    held = raw_files(prefix).fetch(request(), [at(server)]).path
    held.chmod(0o644)
    held.write_bytes(spoiled)
    assert raw_files(prefix).fetch(request(), []).path.read_bytes() == CONTENT


def test_a_wrong_content_is_kept_in_the_bucket_and_named(server, prefix: str, object_server: ObjectServer) -> None:
    server.faults.add("/a", "corrupt")
    with pytest.raises(
        BadUpstreamData, match=rf"The last is kept as s3://{BUCKET}/{prefix}/quarantine/{MD5}\."
    ) as error:
        raw_files(prefix).fetch(request(), [at(server)])
    kept = [key for key in object_server.keys(f"{prefix}/quarantine/") if not key.endswith(".json")]
    assert hashlib.md5(object_server.get(kept[0])).hexdigest() == kept[0].rpartition(".")[2]
    assert json.loads(object_server.get(f"{kept[0]}.json"))["addresses"] == [f"{server.url}/a"]
    assert kept[0] in str(error.value)
    assert require_right(object_server, prefix) == {}


def test_trouble_of_the_bucket_is_named_and_what_was_downloaded_is_sent_later(
    server, prefix: str, faults: ObjectFaults, object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_STORE_DEADLINE_S", "0.2")
    faults.faults.add(rf"{MD5}$", "status", status=503)
    raw = raw_files(prefix)
    raw._is_brought = lambda md5: False  # type: ignore[method-assign]  # the file is asked for before it is sent
    with pytest.raises(StoreError, match=rf"{MD5}.*does not answer as it should"):
        raw.fetch(request(), [at(server)])
    faults.faults.clear()
    n_before = len(server.requests)
    assert raw_files(prefix).fetch(request(), []).path.read_bytes() == CONTENT
    assert len(server.requests) == n_before
    assert require_right(object_server, prefix) == {MD5: CONTENT}


def test_an_answer_that_was_lost_changes_nothing(
    server, prefix: str, faults: ObjectFaults, object_server: ObjectServer
) -> None:
    faults.lost.append(rf"PUT \S+{MD5}")
    assert raw_files(prefix).fetch(request(), [at(server)]).path.read_bytes() == CONTENT
    assert require_right(object_server, prefix) == {MD5: CONTENT}


def test_files_that_are_read_stay_although_the_cache_is_cleared(
    server, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = raw_files(prefix)
    paths = {"a": raw.fetch(request(), [at(server)]).path}
    with raw.staying(paths) as staying:
        monkeypatch.setenv("NH_STORE_CACHE_GB", "0")
        monkeypatch.setattr(cache_size, "_IN_USE_S", -1.0)
        raw.fetch(request(b"other", label="b"), [at(server, "/b")])
        assert held_bytes(raw.root) == 0
        assert staying["a"].read_bytes() == CONTENT
        monkeypatch.setattr(cache_size, "_IN_USE_S", 60.0)
        with raw.staying({"again": raw.path(MD5)}) as again:  # it is fetched again to be linked
            assert again["again"].read_bytes() == CONTENT
    assert list((raw.root / ".staying").iterdir()) == []


def test_links_of_a_killed_process_are_removed(server, prefix: str) -> None:
    raw = raw_files(prefix)
    paths = {"a": raw.fetch(request(), [at(server)]).path}

    def read() -> None:
        with raw.staying(paths):
            os.kill(os.getpid(), signal.SIGKILL)

    process = FORK.Process(target=read)
    process.start()
    process.join(30)
    assert len(list((raw.root / ".staying").iterdir())) == 1
    with raw.staying({}):
        assert len(list((raw.root / ".staying").iterdir())) == 1


def test_one_bound_holds_for_all_that_lies_in_buckets(server, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_size, "_IN_USE_S", -1.0)
    monkeypatch.setenv("NH_STORE_CACHE_GB", "0.002")
    one, other = raw_files(prefix), raw_files(f"{prefix}2")
    one.fetch(request(), [at(server)])
    time.sleep(0.02)
    other.fetch(request(), [at(server)])
    assert (held_bytes(one.root), held_bytes(other.root)) == (0, len(CONTENT))
    assert one.fetch(request(), []).path.read_bytes() == CONTENT


def test_a_process_that_is_killed_at_any_moment_leaves_the_file_whole_or_not_there(
    server, prefix: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = 5 << 20  # S3's least size of a part that is not the last
    monkeypatch.setattr(uploads, "IN_ONE_PIECE", part)
    monkeypatch.setattr(uploads, "PART_BYTES", part)
    contents = {f"/{number}": random.Random(number).randbytes(2 * part + number) for number in range(3)}
    server.files = contents
    wanted = {name: (request(body, label=name), [at(server, name)]) for name, body in contents.items()}

    def fetch() -> None:
        batch = fetch_all(raw_files(prefix), wanted, parallel=2)
        batch.raise_first()

    rng, n_killed = random.Random(5), 0
    for _ in range(14):
        process = on_machine(tmp_path / "cache", fetch)
        process.join(rng.uniform(0.02, 0.6))
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
            n_killed += 1
            process.join()
        if n_killed >= 10:
            break
        if len(require_right(object_server, prefix)) == len(contents):  # all are there: begin anew
            raw_files(prefix).remove(list(raw_files(prefix).listed()))
    fetch()
    assert n_killed >= 8
    assert require_right(object_server, prefix) == {hashlib.md5(body).hexdigest(): body for body in contents.values()}
    left = object_server.client.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", [])
    assert left == []


def test_two_machines_that_fetch_the_same_files_both_have_them(
    server, prefix: str, object_server: ObjectServer, tmp_path: Path
) -> None:
    def fetch() -> None:
        assert raw_files(prefix).fetch(request(), [at(server)]).path.read_bytes() == CONTENT

    machines = [on_machine(tmp_path / name, fetch) for name in ("ada", "bea")]
    for machine in machines:
        machine.join(60)
    assert [machine.exitcode for machine in machines] == [0, 0]
    assert require_right(object_server, prefix) == {MD5: CONTENT}


def test_where_raw_files_lie_is_stated_and_never_in_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NH_RAW", raising=False)
    assert raw_root(tmp_path) == tmp_path / "raw"
    assert raw_root(tmp_path, "/data/raw") == Path("/data/raw")
    assert type(raw_files_at(raw_root(tmp_path))) is RawFiles
    monkeypatch.setenv("NH_RAW", "s3://lab/raw")
    assert RawObjects(raw_root(tmp_path)).bucket.address == ("lab", "raw")
    assert raw_root(tmp_path, "here") == tmp_path / "here"
    for store in ("s3://lab/raw", "s3://lab/raw/store", "s3://lab"):
        monkeypatch.setenv("NH_STORE", store)
        with pytest.raises(ConfigError, match=rf"NH_RAW: 's3://lab/raw' and NH_STORE={store} lie in one another"):
            raw_root(tmp_path)
    monkeypatch.setenv("NH_STORE", "s3://lab/raw2")
    assert raw_root(tmp_path)
    monkeypatch.setenv("NH_RAW", "ftp://lab/raw")
    with pytest.raises(ConfigError, match=r"NH_RAW.*begins with s3://"):
        raw_root(tmp_path)
