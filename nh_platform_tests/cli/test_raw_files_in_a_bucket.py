"""`NH_RAW` in a bucket: fetched once from upstream, read by another machine, and known to every command."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.cli.console import out
from nh_platform.simulation import TINY, write_ibl
from nh_platform.sources.ibl.settings import CREDENTIALS
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("alf")
    write_ibl(root, 2, 7, size=TINY)
    return root


@pytest.fixture
def servers(tree: Path) -> Iterator[Loopback]:
    with Loopback(tree) as running:
        yield running


@pytest.fixture
def raw(servers: Loopback, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Prefix of the raw files of a person without an account at IBL, who has a bucket."""
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**servers.bucket.environment, **object_server.environment(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    prefix = f"{uuid.uuid4().hex[:12]}/raw"
    monkeypatch.setenv("NH_RAW", f"s3://{BUCKET}/{prefix}")
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_ONE_DATA_SERVER", servers.files.data_server)
    return prefix


def raw_files(objects: ObjectServer, prefix: str) -> dict[str, int]:
    """Return the bytes of the raw files in the bucket by md5; each must have that md5."""
    bodies = {key.rpartition("/")[2]: objects.get(key) for key in objects.keys(f"{prefix}/")}
    assert all(hashlib.md5(body).hexdigest() == md5 for md5, body in bodies.items())
    return {md5: len(body) for md5, body in bodies.items()}


def stored(home: Path) -> dict[str, bytes]:
    root = home / "store"
    files = [path for path in root.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_files_are_fetched_into_the_bucket_and_removed_from_it_on_request(
    raw: str, servers: Loopback, object_server: ObjectServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    nh(home, "sync", "ibl")
    rows = json.loads(nh(home, "fetch", "ibl", "--all", "--dry-run", "--format", "json").output)
    dry = " ".join(nh(home, "fetch", "ibl", "--all", "--dry-run").output.split())
    assert f"would be fetched to s3://{BUCKET}/{raw}; 0 files are there, and" in dry
    assert f"are free in {tmp_path / 'cache'}, of which the largest session takes" in dry
    assert object_server.keys(f"{raw}/") == []
    fetched = " ".join(nh(home, "fetch", "ibl", "--all").output.split())
    assert "2 sessions fetched and verified" in fetched
    assert f"in s3://{BUCKET}/{raw}" in fetched
    assert sum(raw_files(object_server, raw).values()) == sum(row["size"] for row in rows)
    before = len(servers.bucket.requests)
    assert "nothing to fetch" in nh(home, "fetch", "ibl", "--missing").output
    assert len(servers.bucket.requests) == before
    status = " ".join(nh(home, "status").output.split())
    n_files = len(raw_files(object_server, raw))
    assert f"Bucket: raw files in s3://{BUCKET}/{raw}: {n_files} files, " in status
    assert "at most of all that lies in buckets" in status
    would = nh(home, "prune", "--raw", "all", "--dry-run").output
    assert f"{n_files} folders and files" in would
    assert len(raw_files(object_server, raw)) == n_files
    assert f"s3://{BUCKET}/{raw}/" in nh(home, "prune", "ibl", "--raw", "all").output
    assert object_server.keys(f"{raw}/") == []
    assert not (home / "raw").exists()


def test_a_machine_without_a_catalogue_removes_nothing_that_others_list(
    raw: str, object_server: ObjectServer, tmp_path: Path
) -> None:
    """To it every file was one that no catalogue lists."""
    object_server.put(f"{raw}/d4/d41d8cd98f00b204e9800998ecf8427e", b"")
    for more in (("--dry-run",), ()):
        done = nh(tmp_path / "home", "prune", "--raw", "unlisted", *more)
        assert "1 raw file is kept: no catalogue that lists any is stored here" in " ".join(done.output.split())
    assert len(object_server.keys(f"{raw}/")) == 1
    nh(tmp_path / "home", "sync", "ibl")
    nh(tmp_path / "home", "prune", "--raw", "unlisted")
    assert object_server.keys(f"{raw}/") == []


def test_another_machine_makes_the_same_bytes_without_asking_upstream(
    raw: str, servers: Loopback, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [tmp_path / name for name in ("disk", "first", "second", "passing")]
    for home in homes:
        if home.name == "disk":
            monkeypatch.setenv("NH_RAW", "")
        else:
            monkeypatch.setenv("NH_RAW", f"s3://{BUCKET}/{raw}")
        if home.name == "passing":
            home.mkdir()
            (home / "sources.yaml").write_text("ibl:\n  read: {keep_raw: false}\n")
        monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / f"cache of {home.name}"))
        nh(home, "sync", "ibl")
        session = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
        before, n_before = len(servers.bucket.requests), len(object_server.keys(f"{raw}/"))
        nh(home, "materialize", "ibl", session, "--asset", "raw_spikes", "--asset", "events")
        asked = servers.bucket.requests[before:]
        assert (asked == []) == (home.name == "second")
        assert (len(object_server.keys(f"{raw}/")) > n_before) == (home.name == "first")
    assert all(stored(home) == stored(homes[0]) for home in homes[1:])
    assert (homes[0] / "raw").exists()
    assert not any((home / "raw").exists() for home in homes[1:])


def test_the_plan_of_a_backfill_needs_room_for_a_session_at_a_time(
    raw: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, store = tmp_path / "home", raw.removesuffix("raw") + "store"
    nh(home, "sync", "ibl")
    monkeypatch.setenv("NH_RAW", "")
    on_disk = operations.backfill(home, "ibl", dry_run=True).needs
    monkeypatch.setenv("NH_RAW", f"s3://{BUCKET}/{raw}")
    monkeypatch.setenv("NH_STORE", f"s3://{BUCKET}/{store}")
    nh(home, "sync", "ibl")
    needs = operations.backfill(home, "ibl", dry_run=True).needs
    assert needs is not None
    assert on_disk is not None
    assert (on_disk.raw_room, on_disk.store_room) == (on_disk.to_fetch, on_disk.store_bytes)
    assert (needs.to_fetch, needs.store_bytes) == (on_disk.to_fetch, on_disk.store_bytes)
    assert needs.raw_room == needs.most_of_session < needs.to_fetch
    assert needs.store_room == needs.most_stored < needs.store_bytes
    monkeypatch.setattr(out, "width", 1000)  # else the folder's length decides where a cell is broken
    shown = nh(home, "backfill", "ibl", "--dry-run").output
    assert "a bucket" in shown
    assert "by session: " in shown


def test_doctor_and_status_say_whether_it_can_be_reached(
    raw: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, about = tmp_path / "home", f"raw files s3://{BUCKET}/{raw}"
    monkeypatch.setattr("nh_platform.operations.doctor_findings._servers", lambda *_: [])
    assert {one.about: one.ok for one in operations.doctor(home)}[about] is True
    monkeypatch.setattr("nh_platform.operations.doctor_findings.ANSWER_WAIT_S", 0.2)
    monkeypatch.setattr("nh_platform.operations.bucket_states._WAIT_S", 0.2)
    monkeypatch.setenv("NH_STORE_ENDPOINT", "http://127.0.0.1:9")
    assert {one.about: one.ok for one in operations.doctor(home)}[about] is False
    said = " ".join(nh(home, "status").stderr.split())
    assert f"warning: raw files in s3://{BUCKET}/{raw}: the bucket does not answer as it should" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ibl:\n  read: {raw_dir: 'ftp://lab/raw'}", "is no folder and no address that begins with s3://"),
        ("ibl:\n  read: {raw_dir: 's3://nh-store/lab'}", "lie in one another"),
        (
            "allen_vc:\n  read: {mode: warehouse, root: 's3://lab/allen'}",
            "is an address, and these files are read from",
        ),
    ],
)
def test_an_address_that_cannot_be_is_refused_by_file_and_line(
    text: str, said: str, raw: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_STORE", "s3://nh-store/lab/store")
    home = tmp_path / "home"
    home.mkdir()
    (home / "sources.yaml").write_text(f"{text}\n")
    refused = " ".join(nh(home, "sync", text.partition(":")[0], code=1).stderr.split())
    assert said in refused
    assert "sources.yaml:2, " in refused
