"""Session files that do not stay: fetched once for a session, verified, the same when read, gone afterwards."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.verification import verify
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.allen import (
    AllenVbnSettings,
    AllenVcSettings,
    AllenVisualBehaviorSource,
    AllenVisualCodingSource,
)
from nh_platform.sources.allen.nwb.passing_files import FOLDER, passing_file
from nh_platform.sources.read_settings import read_settings
from nh_platform_tests.sources.allen import warehouse_server
from nh_platform_tests.sources.allen.bucket_server import BucketServer
from nh_platform_tests.sources.ibl.test_remote import assert_same_recording


@pytest.fixture
def bucket(vbn_root: Path) -> Iterator[BucketServer]:
    with BucketServer() as server:
        server.publish(vbn_root, "0.5.0")
        yield server


def behavior(root: Path, server: BucketServer, *, keep_raw: bool) -> AllenVisualBehaviorSource:
    values = {"endpoint": server.url, "retry_wait_s": 0.0, "stall_s": 2.0, "keep_raw": keep_raw}
    return AllenVisualBehaviorSource(AllenVbnSettings(root=root, mode="s3", **values))


def session_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*.nwb*") if path.is_file() and path.suffix in (".nwb", ".part")]


def test_a_session_is_fetched_once_and_goes_when_the_next_one_is_read(bucket: BucketServer, tmp_path: Path) -> None:
    source = behavior(tmp_path / "passing", bucket, keep_raw=False)
    kept = behavior(tmp_path / "kept", bucket, keep_raw=True)
    manifest = source.manifest()
    assert kept.manifest().version() == manifest.version()
    first, second = (manifest.session(name) for name in manifest.session_ids[:2])
    recording = source.read_spikes(first)
    source.read_events(first)
    source.read_annotation(first, recording.units, recording.channels)
    assert len(bucket.fetched(first.session_id)) == 1
    assert_same_recording(recording, kept.read_spikes(first))
    (held,) = session_files(tmp_path / "passing")
    source.read_spikes(second)
    assert not held.exists()
    assert len(session_files(tmp_path / "passing")) == 1
    assert len(session_files(tmp_path / "kept")) == 1


def test_the_warehouses_files_pass_too_and_the_note_has_their_md5(released_root: Path, tmp_path: Path) -> None:
    with warehouse_server.serve(released_root) as warehouse:
        sources = {
            keep_raw: AllenVisualCodingSource(
                AllenVcSettings(
                    root=tmp_path / str(keep_raw), mode="warehouse", address=warehouse.address, keep_raw=keep_raw
                )
            )
            for keep_raw in (False, True)
        }
        read = {}
        for keep_raw, source in sources.items():
            manifest = source.manifest()
            read[keep_raw] = source.read_spikes(manifest.session(manifest.session_ids[0]))
        assert_same_recording(read[False], read[True])
        assert read[False].notes == read[True].notes
        assert any("md5 of what came" in note.text for note in read[False].notes)
        assert all(FOLDER in path.parts for path in session_files(tmp_path / "False"))


def test_a_file_with_another_hash_is_refused_and_nothing_stays(bucket: BucketServer, tmp_path: Path) -> None:
    source = behavior(tmp_path, bucket, keep_raw=False)
    session = source.manifest().session(source.manifest().session_ids[0])
    (key,) = [one for one in bucket.objects if one[0].endswith(f"ecephys_session_{session.session_id}.nwb")]
    bucket.objects[key] = bucket.objects[key][:-8] + b"\xff" * 8
    with pytest.raises(BadUpstreamData, match="blake2b"):
        source.read_spikes(session)
    assert session_files(tmp_path) == []


def test_nothing_is_fetched_ahead_of_use_and_files_of_mode_local_are_never_removed(
    bucket: BucketServer, vbn_root: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="keep_raw: false"):
        behavior(tmp_path, bucket, keep_raw=False).raw_files()
    for settings in (AllenVbnSettings, AllenVcSettings):
        with pytest.raises(ConfigError, match="keep_raw"):
            read_settings(settings, "allen_vbn", {"root": str(vbn_root), "keep_raw": False}, tmp_path)


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_stays(tmp_path: Path) -> None:
    left, held = (tmp_path / FOLDER / name for name in ("left", "held"))
    for folder in (left, held):
        folder.mkdir(parents=True)
        (folder / "session.nwb").write_bytes(b"half")
        (folder / "in_use.lock").touch()
        os.utime(folder, (time.time() - 3600,) * 2)
    with FileLock(held / "in_use.lock"), passing_file(tmp_path, "new", lambda folder: folder / "session.nwb"):
        assert not left.exists()
        assert (held / "session.nwb").exists()


def test_stored_bytes_are_the_same_and_a_file_that_went_is_no_damage(bucket: BucketServer, tmp_path: Path) -> None:
    stored = {}
    for keep_raw in ("false", "true"):
        home = tmp_path / keep_raw
        home.mkdir()
        read = f"{{mode: s3, endpoint: '{bucket.url}', keep_raw: {keep_raw}}}"
        (home / "sources.yaml").write_text(f"allen_vbn:\n  read: {read}\n")
        platform = Platform(load_settings(home))
        store_manifest(platform.store, platform.source("allen_vbn").manifest(), "1")
        session_id = platform.manifest("allen_vbn").session_ids[0]
        for name in ("raw_spikes", "events", "signals"):
            make_session_asset(platform, "allen_vbn", session_id, name)
        shutil.rmtree(home / "upstream" / "allen_vbn" / FOLDER, ignore_errors=True)
        assert verify(platform.store, ["allen_vbn"], [session_id]).damages == ()
        folder = platform.store.root / "allen_vbn" / session_id
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        stored[keep_raw] = {str(path.relative_to(folder)): path.read_bytes() for path in files}
        record = platform.store.provenance("allen_vbn", session_id, "raw_spikes")
        assert record is not None
        hashes = {file.md5 for file in record.upstream_files if file.name.endswith(".nwb")}
        assert hashes == set(platform.manifest("allen_vbn").session(session_id).of_group("spikes")["md5"])
    assert stored["false"] == stored["true"]
