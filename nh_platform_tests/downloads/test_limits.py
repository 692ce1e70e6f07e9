"""What bounds a download: the size that is stated, the room of the disk, a rate, and hours without any."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from datetime import time as time_of_day
from pathlib import Path

import pytest

from nh_platform.downloads import transfers
from nh_platform.downloads.download_folder import DownloadFolder, Place
from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.pace import HOURS_VARIABLE, RATE_VARIABLE, Pace, QuietHours, current_pace
from nh_platform.downloads.raw_files import RawFiles, RawRequest
from nh_platform.downloads.remote_bytes import HttpOpener, Timeouts
from nh_platform.downloads.s3_client import s3_client
from nh_platform.downloads.s3_objects import S3Opener
from nh_platform.downloads.transfers import RetryPolicy
from nh_platform.session import BadUpstreamData, ConfigError, StoreError, UpstreamTrouble
from nh_platform_tests.downloads.bytes_server import BytesServer

FIVE = b"hello"
MB = 1_000_000
IN_FLIGHT_BYTES = 8 << 20
"""What buffers of both ends may hold of an answer that was cut off."""


@pytest.fixture
def server() -> Iterator[BytesServer]:
    with BytesServer() as running:
        assert isinstance(running, BytesServer)
        running.files = {"/a": FIVE, "/big": bytes(MB)}
        yield running


@pytest.fixture
def raw(tmp_path: Path) -> RawFiles:
    return RawFiles(tmp_path / "raw", RetryPolicy(attempts=2, wait_s=0.0))


def request(content: bytes = FIVE, **changes) -> RawRequest:
    stated = {"label": "file a", "md5": hashlib.md5(content).hexdigest(), "size": len(content)}
    return RawRequest(**{**stated, **changes})


def opener(server: BytesServer, kind: str, path: str = "/a") -> HttpOpener | S3Opener:
    if kind == "http":
        return HttpOpener(server.url + path, Timeouts(2.0, 2.0))
    client = s3_client(Timeouts(2.0, 2.0), unsigned=True, endpoint=server.url, region_name="us-east-1")
    return S3Opener(client, "bucket", path.lstrip("/"))


@pytest.mark.parametrize("kind", ["http", "s3"])
@pytest.mark.parametrize("stated", [{}, {"md5": None, "weak_key": "k"}], ids=["with a hash", "without"])
def test_a_body_without_end_is_cut_off_at_once(server: BytesServer, raw: RawFiles, kind: str, stated: dict) -> None:
    server.faults.add("/a", "endless")
    with pytest.raises(UpstreamTrouble, match=r"sends more than .* bytes; it was cut off there; tried 2 times"):
        raw.fetch(request(**stated), [opener(server, kind)])
    assert server.endless_bytes < 2 * IN_FLIGHT_BYTES
    assert sum(path.stat().st_size for path in raw.root.rglob("*") if path.is_file()) == 0
    server.faults.clear()
    assert raw.fetch(request(**stated), [opener(server, kind)]).path.read_bytes() == FIVE


def test_an_answer_that_states_too_much_is_not_begun(server: BytesServer, raw: RawFiles) -> None:
    server.files["/a"] = bytes(20 * MB)
    with pytest.raises(UpstreamTrouble, match="states 20000000 bytes, where at most 1048576 are expected"):
        raw.fetch(request(), [opener(server, "http")])
    assert not list(raw.root.rglob("*.part")) or max(p.stat().st_size for p in raw.root.rglob("*.part")) == 0


def test_a_second_server_is_asked_where_the_first_never_ends(server: BytesServer, raw: RawFiles) -> None:
    server.faults.add("/big", "endless")
    assert raw.fetch(request(), [opener(server, "http", "/big"), opener(server, "http")]).path.read_bytes() == FIVE


def test_of_a_file_without_a_stated_size_the_disk_keeps_its_spare_room(
    server: BytesServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults.add("/a", "endless")
    before = shutil.disk_usage(tmp_path)
    part = tmp_path / "a.part"

    def usage(_: Path) -> object:  # a disk with room for 2 MB more than its spare room
        used = part.stat().st_size if part.exists() else 0
        return before._replace(free=transfers.SPARE_BYTES + 2 * MB - used)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    folder, place = DownloadFolder(tmp_path, "raw_dir"), Place("file a", tmp_path / "a", part, lambda _: None)
    with pytest.raises(StoreError, match="is full"), folder.alone("file a", tmp_path / "lock"):
        folder.download(place, [opener(server, "http")])
    assert not part.exists()


def test_the_rate_holds_for_all_threads_together(
    server: BytesServer, raw: RawFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RATE_VARIABLE, "2")
    contents = [bytes([number]) * (MB // 2) for number in range(4)]
    server.files = {f"/{number}": content for number, content in enumerate(contents)}
    began = time.monotonic()
    threads = [
        threading.Thread(target=raw.fetch, args=(request(content), [opener(server, "http", f"/{number}")]))
        for number, content in enumerate(contents)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began > 0.8  # 2 MB at 2 MB/s
    assert all(raw.holds(request(content)) for content in contents)


@pytest.mark.parametrize(
    ("hours", "at", "rests"),
    [
        ("08:00-18:00", "07:59", False),
        ("08:00-18:00", "08:00", True),
        ("08:00-18:00", "18:00", False),
        ("22:30-06:00", "23:00", True),
        ("22:30-06:00", "05:59", True),
        ("22:30-06:00", "12:00", False),
    ],
)
def test_quiet_hours_may_go_over_midnight(hours: str, at: str, rests: bool) -> None:
    begin, end = (time_of_day.fromisoformat(each) for each in hours.split("-"))
    pace = Pace(None, (begin, end))
    if not rests:
        pace.require_open(time_of_day.fromisoformat(at))
        return
    with pytest.raises(QuietHours, match=HOURS_VARIABLE):
        pace.require_open(time_of_day.fromisoformat(at))


def test_in_quiet_hours_nobody_is_asked_and_it_may_pass(
    server: BytesServer, raw: RawFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOURS_VARIABLE, "00:00-23:59")
    with pytest.raises(UpstreamTrouble, match=r"nothing is downloaded between 00:00 and 23:59.*Run it again after"):
        raw.fetch(request(), [opener(server, "http")])
    assert server.requests == []


@pytest.mark.parametrize(("name", "value"), [(RATE_VARIABLE, "fast"), (RATE_VARIABLE, "0"), (HOURS_VARIABLE, "8-18")])
def test_a_pace_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        current_pace()


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_on(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(os.path.relpath(path))
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(BadUpstreamData, match=f"it is a {kind}".replace("fifo", "FIFO")):
        file_hash(path)
