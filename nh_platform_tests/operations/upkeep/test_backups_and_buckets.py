"""Backups of a store in a bucket, and backups in one: every file verified on its way, whole or not there."""

from __future__ import annotations

import os
import random
import signal
import uuid
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.operations.upkeep import backup_objects
from nh_platform.operations.upkeep.backup_objects import bucket_of, last_in
from nh_platform.session import ConfigError, DamagedFile, StoreError
from nh_platform.store import Store
from nh_platform.store.objects import uploads
from nh_platform.store.objects.address import local_root, parse_address, shown
from nh_platform.store.processes import process_name
from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer, on_machine
from nh_platform_tests.store.test_layout import record


@pytest.fixture
def prefix(led_to_bucket: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Prefix of a test in the bucket, to which this process is led."""
    for name in ("DAGSTER_HOME", "NH_STORE", "NH_RAW", "NH_REVIEWS"):
        monkeypatch.setenv(name, "")
    return uuid.uuid4().hex[:12]


def address(prefix: str, name: str) -> str:
    return f"s3://{BUCKET}/{prefix}/{name}"


def fill(home: Path, n_sessions: int = 3) -> None:
    """Publish some sessions in the store of a home, wherever it lies, and a review."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "sources.yaml").write_text("ibl: {}\n")
    with operations.open_home(home) as at:
        for number in range(n_sessions):
            publish(at.platform.store, f"s{number}", b"%d" % number * 1000)


def publish(store: Store, session_id: str, content: bytes, version: str = "1") -> None:
    with store.publish(record(version).model_copy(update={"session_id": session_id})) as folder:
        (folder / "data.bin").write_bytes(content)
        (folder / "more.bin").write_bytes(content[::-1])


def on_disk(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def in_bucket(objects: ObjectServer, prefix: str) -> dict[str, bytes]:
    return {key.removeprefix(f"{prefix}/"): objects.get(key) for key in objects.keys(f"{prefix}/")}


@pytest.mark.parametrize("target", ["disk", "bucket"])
@pytest.mark.parametrize("origin", ["disk", "bucket"])
@pytest.mark.parametrize("into", ["disk", "bucket"])
def test_a_store_is_backed_up_and_restored_from_anywhere_to_anywhere(
    origin: str,
    target: str,
    into: str,
    prefix: str,
    object_server: ObjectServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, new = tmp_path / "home", tmp_path / "new"
    monkeypatch.setenv("NH_STORE", address(prefix, "store") if origin == "bucket" else "")
    fill(home)
    reviews = in_bucket(object_server, f"{prefix}/store/.reviews")
    before = in_bucket(object_server, f"{prefix}/store") if origin == "bucket" else on_disk(home / "store")
    assert len(before) > 9
    backups = address(prefix, "backups") if target == "bucket" else str(tmp_path / "backups")
    made = operations.backup(home, backups)
    assert (made.refused, reviews) == ((), {})
    assert shown(made.folder).startswith(f"{backups}/")
    monkeypatch.setenv("NH_STORE", address(prefix, "restored") if into == "bucket" else "")
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "other"))
    found = operations.restore(backups, new)
    assert (found.n_files, found.backup) == (made.n_files, shown(made.folder))
    after = in_bucket(object_server, f"{prefix}/restored") if into == "bucket" else on_disk(new / "store")
    assert after == before
    assert (new / "store").exists() == (into == "disk")
    assert (new / "sources.yaml").read_text() == "ibl: {}\n"
    assert operations.verify(new).damages == ()
    with operations.open_home(new) as at:
        assert at.platform.store.sessions("ibl") == ["s0", "s1", "s2"]
    if into == "bucket":
        assert found.elsewhere[-1:] == (f"the store is in {address(prefix, 'restored')}, which NH_STORE named",)
        with pytest.raises(ConfigError, match=r"NH_STORE names it, and it holds .*ibl"):
            operations.restore(backups, tmp_path / "another")


def test_a_second_backup_sends_what_changed_alone(
    prefix: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_STORE", address(prefix, "store"))
    home, backups = tmp_path / "home", address(prefix, "backups")
    fill(home)
    first = operations.backup(home, backups)
    assert first.n_copied_bytes == first.n_bytes
    with operations.open_home(home) as at:
        publish(at.platform.store, "s1", b"other", version="2")
    second = operations.backup(home, backups)
    assert 10 < second.n_copied_bytes < first.n_bytes / 2
    assert second.folder.name > first.folder.name
    monkeypatch.setenv("NH_STORE", "")
    operations.restore(backups, tmp_path / "new")
    assert any(body == b"other" for body in on_disk(tmp_path / "new/store").values())
    operations.restore(shown(first.folder), tmp_path / "old")
    assert not any(body == b"other" for body in on_disk(tmp_path / "old/store").values())


def test_a_damaged_object_is_named_and_the_others_are_backed_up(
    prefix: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_STORE", address(prefix, "store"))
    fill(tmp_path / "home")
    key = next(one for one in object_server.keys(f"{prefix}/store/ibl/s1/") if one.endswith("data.bin"))
    object_server.put(key, b"rot")
    for target in (str(tmp_path / "backups"), address(prefix, "backups")):
        made = operations.backup(tmp_path / "home", target)
        assert len(made.refused) == 1
        assert f"{BUCKET}/{key}: it is damaged" in made.refused[0]
        monkeypatch.setenv("NH_STORE", "")
        new = tmp_path / f"new{len(target)}"
        operations.restore(target, new)
        with operations.open_home(new) as at:
            published = {one: at.platform.store.published("ibl", one) for one in ("s0", "s1", "s2")}
        assert [bool(assets) for assets in published.values()] == [True, False, True]
        monkeypatch.setenv("NH_STORE", address(prefix, "store"))


def test_a_file_of_a_backup_that_is_damaged_or_gone_restores_nothing(
    prefix: str, object_server: ObjectServer, tmp_path: Path
) -> None:
    fill(tmp_path / "home")
    made = operations.backup(tmp_path / "home", address(prefix, "backups"))
    key = next(one for one in object_server.keys(f"{prefix}/backups/") if one.endswith("data.bin"))
    object_server.put(key, b"rot")
    with pytest.raises(DamagedFile, match=rf"{BUCKET}/{key}.*not the bytes that were backed up"):
        operations.restore(shown(made.folder), tmp_path / "new")
    object_server.client.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(DamagedFile, match=rf"{BUCKET}/{key}.*lacks it"):
        operations.restore(shown(made.folder), tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(ConfigError, match=rf"^s3://{BUCKET}/{prefix}/none: it holds no backup"):
        operations.restore(address(prefix, "none"), tmp_path / "new")


@pytest.mark.parametrize("target", ["store", "store/backups", ""])
def test_a_backup_in_what_is_backed_up_is_refused(
    target: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_STORE", address(prefix, "store"))
    fill(tmp_path / "home", 1)
    with pytest.raises(ConfigError, match="do not lie in one another"):
        operations.backup(tmp_path / "home", address(prefix, target))


def test_a_backup_whose_bucket_fails_leaves_none_and_the_next_is_whole(
    prefix: str, faults: ObjectFaults, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "home")
    monkeypatch.setenv("NH_STORE_DEADLINE_S", "0.2")
    faults.faults.add(r"s2/\S+more.bin", "status", status=503)
    with pytest.raises(StoreError, match=r"more.bin: the bucket does not answer as it should"):
        operations.backup(tmp_path / "home", address(prefix, "backups"))
    faults.faults.clear()
    assert object_server.keys(f"{prefix}/backups/") == []
    operations.backup(tmp_path / "home", address(prefix, "backups"))
    operations.restore(address(prefix, "backups"), tmp_path / "new")
    assert on_disk(tmp_path / "new/store") == on_disk(tmp_path / "home/store")


def test_raw_files_in_a_bucket_are_named_once_and_not_as_those_of_every_source(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of Allen's sources lie elsewhere, whatever `NH_RAW` says."""
    fill(tmp_path / "home", 1)
    (tmp_path / "home" / "sources.yaml").write_text("ibl: {}\nallen_vc: {}\nallen_vbn: {}\n")
    monkeypatch.setenv("NH_RAW", address(prefix, "raw"))
    named = [one for one in operations.backup(tmp_path / "home", tmp_path / "backups").left_out if "raw files" in one]
    assert named == [
        f"raw files in {address(prefix, 'raw')} (NH_RAW), with or without --raw; back them up there",
    ]


def test_what_lies_beside_backups_stays_whatever_its_age(
    prefix: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target may be a whole bucket: what other people keep there, and have begun to send, is none of ours."""
    monkeypatch.setattr(backup_objects, "_UNENDED_S", -60.0)  # all is old
    fill(tmp_path / "home", 1)
    others = ["photos/cat.png", "2026-11-28T160000Z/sent by hand", "2026/backup.json/notes"]
    unended = ["2026-11-28T160001Z/.begun", "2026-11-28T160001Z/store/format.json"]
    for key in (*others, *unended):
        object_server.put(f"{prefix}/{key}", b"kept")
    uploaded = [f"{prefix}/photos/film", f"{prefix}/2026-11-28T160001Z/store/large"]
    for key in uploaded:
        object_server.client.create_multipart_upload(Bucket=BUCKET, Key=key)
    made = operations.backup(tmp_path / "home", f"s3://{BUCKET}/{prefix}")
    found = {one for one in object_server.keys(f"{prefix}/") if not one.startswith(f"{prefix}/{made.folder.name}/")}
    assert found == {f"{prefix}/{one}" for one in others}
    left = object_server.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())
    assert [one["Key"] for one in left if one["Key"].startswith(f"{prefix}/")] == uploaded[:1]


@pytest.mark.parametrize("what", ["NH_STORE", "NH_RAW"])
def test_prune_ends_uploads_of_the_platform_alone(
    what: str, prefix: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Store or raw files may lie in a whole bucket, beside what other programs have begun to send."""
    monkeypatch.setenv(what, f"s3://{BUCKET}/{prefix}")
    fill(tmp_path / "home", 1)
    ours = {"NH_STORE": "ibl/s0/raw_spikes/1/data.bin", "NH_RAW": "d4/d41d8cd98f00b204e9800998ecf8427e"}[what]
    for key in ("photos/film", ours):
        object_server.client.create_multipart_upload(Bucket=BUCKET, Key=f"{prefix}/{key}")
    assert operations.prune(tmp_path / "home").n_uploads == 1
    left = object_server.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())
    assert [one["Key"] for one in left if one["Key"].startswith(f"{prefix}/")] == [f"{prefix}/photos/film"]


def test_what_a_killed_restoration_wrote_to_try_the_bucket_out_is_no_store(
    prefix: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "home", 1)
    operations.backup(tmp_path / "home", tmp_path / "backups")
    monkeypatch.setenv("NH_STORE", address(prefix, "restored"))
    killed, other = process_name().rpartition("-")[0] + "-1", "elsewhere-17-4000"
    for process in (killed, other):
        object_server.put(f"{prefix}/restored/.trial-{process}-0123abcd", b"first")
    operations.restore(tmp_path / "backups", tmp_path / "new")
    found = in_bucket(object_server, f"{prefix}/restored")
    assert [name for name in found if name.startswith(".trial-")] == [f".trial-{other}-0123abcd"]
    assert any(name.startswith("ibl/s0/") for name in found)


def test_a_backup_and_a_restoration_that_are_killed_leave_whole_ones_alone(
    prefix: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "IN_ONE_PIECE", 5 << 20)
    monkeypatch.setenv("NH_STORE", address(prefix, "store"))
    home, backups, rng = tmp_path / "home", address(prefix, "backups"), random.Random(3)
    fill(home, 6)
    before = in_bucket(object_server, f"{prefix}/store")
    operations.backup(home, backups)

    def killed(do, most_s: float) -> int:
        process = on_machine(tmp_path / "cache", do)
        process.join(rng.uniform(0.05, most_s))
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        return process.exitcode == -signal.SIGKILL

    n_killed = sum(killed(lambda: operations.backup(home, backups), 0.8) for _ in range(6))
    bucket = bucket_of(local_root(parse_address(backups)))
    for name in bucket.level("")[0]:  # each is whole, or has no manifest
        if bucket.entry(f"{name}/backup.json") is not None:
            monkeypatch.setenv("NH_STORE", "")
            operations.restore(f"{backups}/{name}", tmp_path / name)
            assert on_disk(tmp_path / name / "store") == before
    assert last_in(bucket) is not None
    monkeypatch.setenv("NH_STORE", address(prefix, "restored"))
    for _ in range(6):
        n_killed += killed(lambda: operations.restore(backups, tmp_path / "new"), 0.8)
        if (tmp_path / "new" / "sources.yaml").exists():
            break
    if not (tmp_path / "new" / "sources.yaml").exists() or (tmp_path / "new" / "restoring.json").exists():
        object_server_keys = object_server.keys(f"{prefix}/restored/")
        begun = (tmp_path / "new" / "restoring.json").exists()
        assert begun or object_server_keys == []
        operations.restore(backups, tmp_path / "new")
    assert in_bucket(object_server, f"{prefix}/restored") == before
    assert n_killed >= 3
