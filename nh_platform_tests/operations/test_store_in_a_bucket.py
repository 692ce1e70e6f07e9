"""A home whose store lies in a bucket does what any home does, and holds the same bytes."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest
from typer.testing import CliRunner

from nh_platform import open_store, operations
from nh_platform.assets.record import AssetResult
from nh_platform.cli.app import app
from nh_platform.defs.automation import attempts
from nh_platform.defs.metadata import published_metadata
from nh_platform.defs.rules import rule_results
from nh_platform.defs.rules.rule_results import SessionPlace
from nh_platform.history.snapshots import list_snapshots
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import Batches, Vocabulary, WindowSet
from nh_platform.operations.upkeep.backup import backup
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.reports.site import stored_release
from nh_platform.session import StoreError
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.objects import cache_size
from nh_platform.store.records import written_at
from nh_platform.store.version_folders import staging_name
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer, serve_objects

ASSETS = ("raw_spikes", "events", "signals", "units", "windows", "spike_events", "session_report")
FORK = multiprocessing.get_context("fork")
ADDRESS = f"s3://{BUCKET}/lab/store"


class Homes(NamedTuple):
    """A home on the disk, one with its store in a bucket, and the server."""

    disk: Path
    bucket: Path
    server: ObjectServer


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes]:
    folder = tmp_path_factory.mktemp("homes")
    with serve_objects() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(folder / "cache").items():
            patch.setenv(name, value)
        for name in ("disk", "bucket"):
            if name == "bucket":
                patch.setenv("NH_STORE", ADDRESS)
            settings_file = make_home(folder / name, ("ibl",)).settings.home / "sources.yaml"
            settings_file.write_text(settings_file.read_text() + "  also_assets: [spike_events]\n")
            platform = Platform(load_settings(folder / name))
            with dg.DagsterInstance.ephemeral() as instance:
                materialize(platform, instance, "ibl", assets=ASSETS)
        yield Homes(folder / "disk", folder / "bucket", server)


@pytest.fixture
def other_machine(homes: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Homes:
    """Lead this process to an empty cache."""
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "cache"))
    return homes


def test_the_bucket_holds_the_same_bytes_as_the_disk(homes: Homes) -> None:
    root = homes.disk / "store"
    on_disk = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    on_disk = {name: body for name, body in on_disk.items() if not name.endswith(".lock")}
    keys = homes.server.keys("lab/store/")
    in_bucket = {key.removeprefix("lab/store/"): homes.server.get(key) for key in keys}
    assert set(in_bucket) == set(on_disk)
    assert [name for name in on_disk if in_bucket[name] != on_disk[name]] == []
    assert not (homes.bucket / "store").exists()


def test_its_status_is_that_of_a_store_on_the_disk(other_machine: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    of_bucket = operations.status(other_machine.bucket).sources["ibl"]
    monkeypatch.delenv("NH_STORE")
    of_disk = operations.status(other_machine.disk).sources["ibl"]
    assert of_bucket == of_disk


def test_another_machine_reads_it_by_its_address_alone(other_machine: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NH_STORE")
    store, disk = open_store(ADDRESS), open_store(other_machine.disk)
    assert repr(store) == f"OpenedStore('{ADDRESS}', sources=['ibl'])"
    (session_id,) = store.sessions("ibl")["session_id"]
    of_bucket, of_disk = store.session("ibl", session_id), disk.session("ibl", session_id)
    assert of_bucket.units.equals(of_disk.units)
    assert of_bucket.spikes.times.tobytes() == of_disk.spikes.times.tobytes()
    assert of_bucket.trials.equals(of_disk.trials)


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_training_loaders_with_workers_give_the_same_batches(
    method: str, other_machine: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batches(path: str | Path) -> Batches:
        store = open_store(path)
        sessions = [store.session("ibl", one) for one in store.sessions("ibl")["session_id"]]
        return Batches(WindowSet(sessions, "continuous-1s", vocabulary=Vocabulary()), batch_size=8, seed=3)

    found = batches(ADDRESS)
    found.set_epoch(1)
    with multiprocessing.get_context(method).Pool(2) as pool:
        in_bucket = [one.counts.tobytes() for one in pool.imap(found.batch, range(4))]
    monkeypatch.delenv("NH_STORE")
    here = batches(other_machine.disk)
    here.set_epoch(1)
    assert in_bucket == [here.batch(number).counts.tobytes() for number in range(4)]


def test_damage_in_the_bucket_is_found_and_mended_with_the_same_bytes(other_machine: Homes) -> None:
    home, server = other_machine.bucket, other_machine.server
    key = next(one for one in server.keys("lab/store/ibl/") if one.endswith("units.parquet") and "/units/" in one)
    before = server.get(key)
    server.put(key, before[:-1])
    found = operations.verify(home)
    assert [one.path.name for one in found.damages] == ["units.parquet"]
    assert operations.verify(home, repair=True).remaining == ()
    assert server.get(key) == before
    assert operations.verify(home).damages == ()


def test_snapshots_state_when_they_were_stored_and_not_when_they_were_read(
    other_machine: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(other_machine.bucket))
    began = time.time()
    store = Platform(load_settings(other_machine.bucket)).store
    (folder,) = [one.folder for one in list_snapshots(store, "ibl")]
    stated = written_at(folder)
    assert began - 3600 < stated < began
    assert CliRunner().invoke(app, ["releases", "list"], catch_exceptions=False).exit_code == 0
    monkeypatch.setattr(cache_size, "_USED_S", 0.0)
    assert list_snapshots(store, "ibl")[0].manifest().session_ids
    assert folder.stat().st_mtime > began
    assert written_at(folder) == stated
    taken = attempts._taken(store, "ibl")
    assert taken is not None
    assert taken.timestamp() == stated


def test_a_site_names_no_page_in_the_cache(other_machine: Homes, tmp_path: Path) -> None:
    store = Platform(load_settings(other_machine.bucket)).store
    path, why = stored_release._report(store, "ibl", store.sessions("ibl")[0], tmp_path)
    assert (path, why) == ("", "its page is in the store, and not beside this site")


def test_a_machine_that_holds_no_file_shows_and_names_what_is_in_the_bucket(other_machine: Homes) -> None:
    store = Platform(load_settings(other_machine.bucket)).store
    (session_id,) = store.sessions("ibl")
    folder = store.folder("ibl", session_id, "units")
    assert not (folder / "rules").exists()
    rule, place = load_rulebook("ibl-2022-10").rule("noise_cutoff"), SessionPlace("ibl", session_id, folder)
    shown = rule_results._distribution(rule, place)
    file = f"{ADDRESS}/ibl/{session_id}/units/{folder.name}/rules/noise_cutoff.svg"
    assert shown["distribution"].value == f"/nh/figure/ibl/{session_id}/noise_cutoff.svg"
    assert shown["distribution as a file"].value == file
    assert (
        published_metadata(AssetResult(0), folder)["dagster/uri"] == f"{ADDRESS}/ibl/{session_id}/units/{folder.name}"
    )
    with pytest.raises(StoreError, match=rf"^{ADDRESS}/ibl/{session_id}/units/.*units.parquet: it has no column none"):
        read_table(folder / "units.parquet", ["none"])


def test_what_a_killed_process_was_writing_is_pruned_on_its_machine(other_machine: Homes) -> None:
    store = Platform(load_settings(other_machine.bucket)).store
    asset = store.asset_folder("ibl", store.sessions("ibl")[0], "units")
    gone = FORK.Process(target=lambda: (asset / staging_name()).mkdir(parents=True))
    gone.start()
    gone.join(30)
    (asset / staging_name()).mkdir()
    (left,) = [path for path, _ in operations.prune(other_machine.bucket, dry_run=True).removed]
    assert left.is_dir()
    assert [path for path, _ in operations.prune(other_machine.bucket).removed] == [left]
    assert not left.exists()
    assert len(list(asset.glob(".staging-*"))) == 1


def test_locks_pruning_and_backups_know_the_bucket(other_machine: Homes, tmp_path: Path) -> None:
    home, server = other_machine.bucket, other_machine.server
    operations.lock(home, "paper-1", "ibl", reason="figure 3")
    assert open_store(ADDRESS, lock="paper-1").sources() == ["ibl"]
    assert "lab/store/.locks/paper-1.json" in server.keys("lab/store/.locks/")
    assert operations.prune(home).removed == ()
    made = backup(home, tmp_path / "backups")
    assert (made.left_out, made.refused) == ((), ())
    assert (made.folder / "sources.yaml").is_file()
    assert (made.folder / "store/.locks/paper-1.json").read_bytes() == server.get("lab/store/.locks/paper-1.json")
    operations.unlock(home, "paper-1")


def test_doctor_tries_the_bucket(homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {one.about: one for one in operations.doctor(homes.bucket, offline=True)}
    assert found[f"store {ADDRESS}"].ok is None
    monkeypatch.setattr("nh_platform.operations.doctor_findings._servers", lambda *_: [])
    monkeypatch.setattr("nh_platform.operations.doctor_findings.ANSWER_WAIT_S", 0.2)
    found = {one.about: one for one in operations.doctor(homes.bucket)}
    assert found[f"store {ADDRESS}"].ok is True
    assert "1 session at the last sync" in found["source ibl"].text
    monkeypatch.setenv("NH_STORE_ENDPOINT", "http://127.0.0.1:9")
    down = {one.about: one for one in operations.doctor(homes.bucket)}[f"store {ADDRESS}"]
    assert down.ok is False
    assert "does not answer as it should, tried for 0.2 s" in down.text


def test_the_home_is_told_which_store_it_has(homes: Homes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Store(load_settings(homes.bucket).store).address == ADDRESS
    monkeypatch.setenv("NH_STORE", str(tmp_path / "elsewhere"))
    assert load_settings(homes.bucket).store == tmp_path / "elsewhere"
    assert open_store(homes.bucket).store.root == tmp_path / "elsewhere"
    monkeypatch.setenv("NH_STORE", "ftp://lab")
    with pytest.raises(Exception, match=r"NH_STORE: 'ftp://lab' is no folder and no address that begins with s3://"):
        load_settings(homes.bucket)
    monkeypatch.setenv("NH_STORE", "")
    assert load_settings(homes.bucket).store == homes.bucket / "store"
    assert "NH_STORE_CACHE" in os.environ
