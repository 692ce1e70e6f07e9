"""Files go into a bucket in little memory, large ones in parts that go on after a kill, and never over others."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nh_platform import operations
from nh_platform.session import StoreError
from nh_platform.store.objects import uploads
from nh_platform.store.objects.address import parse_address
from nh_platform.store.objects.bucket import Bucket, OtherContent
from nh_platform.store.objects.uploads import remove_left_uploads, send_file
from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer

PART = 5 << 20
"""S3's least size of a part that is not the last."""
CONTENT = np.random.default_rng(0).bytes(4 * PART + 1234)


@pytest.fixture
def bucket(address: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setattr(uploads, "IN_ONE_PIECE", PART)
    monkeypatch.setattr(uploads, "PART_BYTES", PART)
    return Bucket(parse_address(address))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(CONTENT)
    return path


def stored(bucket: Bucket, key: str = "raw") -> bytes:
    found = bucket.get(key)
    assert found is not None
    return found.body


def open_uploads(server: ObjectServer, bucket: Bucket) -> list[dict]:
    return server.client.list_multipart_uploads(Bucket=BUCKET, Prefix=bucket.names("")["Key"]).get("Uploads", [])


def test_a_file_in_one_piece_has_its_md5_as_e_tag(bucket: Bucket, tmp_path: Path) -> None:
    for content in (b"", b"some bytes"):
        (tmp_path / "small").write_bytes(content)
        send_file(bucket, "small", tmp_path / "small")
        assert stored(bucket, "small") == content
        entry = bucket.entry("small")
        assert entry is not None
        assert (entry.e_tag, entry.size) == (hashlib.md5(content).hexdigest(), len(content))
    assert bucket.entry("none") is None


def test_parts_that_came_are_not_sent_again(
    bucket: Bucket, faults: ObjectFaults, file: Path, object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_STORE_DEADLINE_S", "0.2")
    faults.faults.add("partNumber=3", "status", status=500)
    with pytest.raises(StoreError, match=r"does not answer as it should, tried for 0.2 s: 500"):
        send_file(bucket, "raw", file)
    assert bucket.entry("raw") is None
    assert len(open_uploads(object_server, bucket)) == 1
    faults.faults.clear()
    monkeypatch.delenv("NH_STORE_DEADLINE_S")
    faults.methods.clear()
    send_file(bucket, "raw", file)
    assert stored(bucket) == CONTENT
    sent = [one for one in faults.methods if "partNumber=" in one]
    assert [number for number in range(1, 6) if any(f"partNumber={number}" in one for one in sent)] == [3, 4, 5]
    assert open_uploads(object_server, bucket) == []


def test_parts_of_another_content_are_sent_anew(bucket: Bucket, file: Path, object_server: ObjectServer) -> None:
    key = bucket.names("raw")["Key"]
    begun = object_server.client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    object_server.client.upload_part(Bucket=BUCKET, Key=key, UploadId=begun, PartNumber=1, Body=bytes(PART))
    object_server.client.upload_part(Bucket=BUCKET, Key=key, UploadId=begun, PartNumber=9, Body=bytes(PART))
    send_file(bucket, "raw", file)
    assert stored(bucket) == CONTENT


@pytest.mark.parametrize("lost", [r"POST \S+uploadId=", r"PUT \S+partNumber=2"])
def test_an_answer_that_was_lost_changes_nothing(bucket: Bucket, faults: ObjectFaults, file: Path, lost: str) -> None:
    faults.lost.append(lost)
    send_file(bucket, "raw", file)
    assert stored(bucket) == CONTENT


@pytest.mark.parametrize("content", [b"small", CONTENT])
def test_what_is_there_is_not_written_over_where_nothing_may_be(
    bucket: Bucket, tmp_path: Path, object_server: ObjectServer, content: bytes
) -> None:
    bucket.put("raw", b"theirs")
    (tmp_path / "ours").write_bytes(content)
    with pytest.raises(OtherContent):
        send_file(bucket, "raw", tmp_path / "ours", over=None)
    assert stored(bucket) == b"theirs"
    assert open_uploads(object_server, bucket) == []
    send_file(bucket, "raw", tmp_path / "ours")
    assert stored(bucket) == content


def test_uploads_that_nobody_ends_are_removed_and_those_at_work_stay(
    bucket: Bucket, object_server: ObjectServer
) -> None:
    object_server.client.create_multipart_upload(Bucket=BUCKET, Key=bucket.names("left")["Key"])
    begun = open_uploads(object_server, bucket)[0]["Initiated"].timestamp()  # moto's uploads all begin in 2010
    assert remove_left_uploads(bucket, begun - 60) == 0
    assert remove_left_uploads(bucket, bucket.clock() + 60, dry_run=True) == 1
    assert remove_left_uploads(bucket, bucket.clock() + 60) == 1
    assert open_uploads(object_server, bucket) == []


def test_pruning_a_home_removes_uploads_that_nobody_ended(
    bucket: Bucket, address: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_STORE", address)
    (tmp_path / "home").mkdir()
    object_server.client.create_multipart_upload(Bucket=BUCKET, Key=bucket.names("ibl/s0/units/left")["Key"])
    assert operations.prune(tmp_path / "home", dry_run=True).n_uploads == 1
    assert operations.prune(tmp_path / "home").n_uploads == 1
    assert open_uploads(object_server, bucket) == []


SEND = """
import sys
from pathlib import Path
from nh_platform.store.objects import uploads
from nh_platform.store.objects.address import parse_address
from nh_platform.store.objects.bucket import Bucket
uploads.IN_ONE_PIECE = uploads.PART_BYTES = 5 << 20
bucket = Bucket(parse_address(sys.argv[1]))
bucket.entry("nothing")
print("ready", flush=True)
uploads.send_file(bucket, "raw", Path(sys.argv[2]), over=None)
"""


@pytest.mark.slow
def test_killed_at_any_instant_the_object_is_whole_or_not_there(
    bucket: Bucket, address: str, file: Path, object_server: ObjectServer
) -> None:
    draw, n_whole = random.Random(7), 0
    for _ in range(12):
        process = subprocess.Popen([sys.executable, "-c", SEND, address, str(file)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0, 0.25))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if bucket.entry("raw") is not None:
            assert stored(bucket) == CONTENT
            n_whole += 1
            bucket.remove(["raw"])
    send_file(bucket, "raw", file, over=None)
    assert stored(bucket) == CONTENT
    assert n_whole < 12


PEAK = """
import resource, sys
from pathlib import Path
from nh_platform.store.objects.address import parse_address
from nh_platform.store.objects.bucket import Bucket
from nh_platform.store.objects.uploads import send_file
bucket, folder = Bucket(parse_address(sys.argv[1])), Path(sys.argv[2])
bucket.put("warm", b"x" * (1 << 20))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
bucket.each(lambda name: send_file(bucket, name, folder / name), sorted(one.name for one in folder.iterdir()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB there")
def test_many_files_at_a_time_take_little_memory(bucket: Bucket, address: str, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}").write_bytes(bytes(20 << 20))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, address, str(folder)], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(done.stdout) < 60 << 10
    assert {bucket.entry(str(number)).size for number in range(8)} == {20 << 20}  # type: ignore[union-attr]
