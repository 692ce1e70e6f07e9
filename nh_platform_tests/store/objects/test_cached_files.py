"""Files of a store in a bucket are held on this machine: bounded, verified, fetched again where they are not intact."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from nh_platform.session import ConfigError, DamagedFile, StoreError
from nh_platform.store import Store
from nh_platform.store.file_hashes import problems, verified
from nh_platform.store.objects import cache_size, listings, mirror
from nh_platform.store.objects.cache_size import held_bytes
from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer
from nh_platform_tests.store.objects.test_bucket_trouble import fresh_machine
from nh_platform_tests.store.test_any_store import content
from nh_platform_tests.store.test_layout import publish, record


def publish_session(store: Store, session_id: str, n_bytes: int) -> None:
    with store.publish(record().model_copy(update={"session_id": session_id})) as folder:
        (folder / "data.bin").write_bytes(session_id.encode() * (n_bytes // len(session_id)))


def read_session(store: Store, session_id: str) -> bytes:
    return verified(store.folder("ibl", session_id, "units") / "data.bin").read_bytes()


def object_key(store: Store, name: str) -> str:
    return f"{store.address}/ibl/s1/units/{store.folder('ibl', 's1', 'units').name}/{name}".removeprefix(
        f"s3://{BUCKET}/"
    )


def test_the_cache_stays_below_its_size_and_what_went_is_fetched_again(
    address: str, faults: ObjectFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_STORE_CACHE_GB", "0.00035")
    monkeypatch.setattr(cache_size, "_IN_USE_S", -1.0)
    store = Store(address)
    sessions = [f"session{number}" for number in range(8)]
    for session_id in sessions:
        publish_session(store, session_id, 100_000)
        time.sleep(0.01)
        assert held_bytes(store.root) <= 350_000
    for session_id in sessions:
        assert len(read_session(store, session_id)) >= 99_990
        assert held_bytes(store.root) <= 350_000
    assert faults.asked("session0/units") != []
    n_asked = len(faults.asked("session7/units"))
    assert read_session(store, "session7").startswith(b"session7")
    assert len([one for one in faults.asked("session7/units")[n_asked:] if "data.bin" in one]) == 0


def test_what_was_used_in_the_last_minute_stays(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_STORE_CACHE_GB", "0")
    store = Store(address)
    publish(store, "one")
    assert (store.folder("ibl", "s1", "units") / "file.txt").exists()


def test_what_was_used_before_the_clock_was_set_back_does_not_fill_the_disk(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(address)
    for number in range(3):
        publish_session(store, f"session{number}", 100_000)
    tomorrow = time.time() + 86400.0
    for number in range(3):
        os.utime(store.folder("ibl", f"session{number}", "units"), (tomorrow, tomorrow))
    monkeypatch.setenv("NH_STORE_CACHE_GB", "0.00025")
    cache_size.make_room(store.root, 10**9)
    assert held_bytes(store.root) <= 250_000


def test_what_goes_from_the_cache_stays_readable_to_who_has_it_open(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory map goes on while its file is evicted; opened anew, it is fetched again."""
    monkeypatch.setattr(cache_size, "_IN_USE_S", -1.0)
    store, values = Store(address), np.arange(20_000)
    with store.publish(record()) as folder:
        np.save(folder / "values.npy", values)
    path = verified(store.folder("ibl", "s1", "units") / "values.npy")
    mapped = np.load(path, mmap_mode="r")
    monkeypatch.setenv("NH_STORE_CACHE_GB", "0")
    cache_size.make_room(store.root, 10**9)
    assert not path.exists()
    np.testing.assert_array_equal(mapped, values)
    monkeypatch.delenv("NH_STORE_CACHE_GB")
    again = verified(store.folder("ibl", "s1", "units") / "values.npy")
    np.testing.assert_array_equal(np.load(again, mmap_mode="r"), values)


@pytest.mark.parametrize("stated", ["much", "-1", "nan", "inf"])
def test_a_size_that_is_none_is_refused(stated: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_STORE_CACHE_GB", stated)
    with pytest.raises(ConfigError, match=r"NH_STORE_CACHE_GB.*no size in GB"):
        publish(Store(address), "one")


def test_a_full_disk_of_the_cache_is_named_and_loses_nothing(
    address: str, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(address)
    publish_session(store, "s1", 3_000_000)
    monkeypatch.setenv("NH_STORE_CACHE", str(small_disk))
    with pytest.raises(StoreError, match=r"cache .* its disk is full.*NH_STORE_CACHE"):
        read_session(Store(address), "s1")
    with pytest.raises(StoreError, match="disk is full"):
        publish_session(Store(address), "s1", 4_000_000)
    fresh_machine(tmp_path, monkeypatch)
    assert len(read_session(Store(address), "s1")) == 3_000_000


def test_a_cached_file_that_was_spoiled_is_fetched_again(address: str) -> None:
    store = Store(address)
    publish(store, "one")
    held = store.folder("ibl", "s1", "units") / "file.txt"
    held.write_text("two")
    assert content(store) == "one"
    assert store.state("ibl", "s1", "units").damage == ()


@pytest.mark.parametrize("left", [0, 40, -1])
def test_a_small_record_that_a_power_cut_left_in_part_is_fetched_again(left: int, address: str) -> None:
    store = Store(address)
    publish(store, "one")
    assert content(store) == "one"
    kept = list((store.root / ".records").glob("*/*"))
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:left])
    assert store.state("ibl", "s1", "units").damage == ()
    assert content(store) == "one"


@pytest.mark.parametrize("spoiled", [b"two", b"on", b""])
def test_a_damaged_object_is_fetched_once_more_then_refused_noted_and_mended(
    spoiled: bytes,
    address: str,
    faults: ObjectFaults,
    object_server: ObjectServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store(address)
    publish(store, "one")
    name = store.folder("ibl", "s1", "units").name
    object_server.put(object_key(store, "file.txt"), spoiled)
    fresh_machine(tmp_path, monkeypatch)
    other = Store(address)
    with pytest.raises(
        DamagedFile, match=rf"{address}/ibl/s1/units/{name}/file.txt: units of ibl session s1 is damaged"
    ):
        content(other)
    assert len([one for one in faults.methods if one.startswith("GET") and "file.txt" in one]) == 2
    fresh_machine(tmp_path, monkeypatch, "third")
    assert "file.txt" in Store(address).state("ibl", "s1", "units").damage[0]
    assert [error.thing.endswith("file.txt") for error in problems(Store(address).folder("ibl", "s1", "units"))] == [
        True
    ]
    publish(Store(address), "one")
    assert Store(address).folder("ibl", "s1", "units").name == name
    assert content(Store(address)) == "one"
    assert Store(address).state("ibl", "s1", "units").damage == ()


def test_a_lost_object_and_a_damaged_pointer_are_damage(
    address: str, object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = Store(address)
    publish(store, "one")
    key = object_key(store, "file.txt")
    object_server.client.delete_object(Bucket=BUCKET, Key=key)
    fresh_machine(tmp_path, monkeypatch)
    with pytest.raises(DamagedFile, match="it is missing"):
        content(Store(address))
    object_server.put(f"{key.split('/ibl/')[0]}/ibl/s1/units/current", b"nonsense")
    fresh_machine(tmp_path, monkeypatch, "third")
    assert "current" in Store(address).state("ibl", "s1", "units").damage[0]
    publish(Store(address), "two", version="2")
    assert content(Store(address)) == "two"


def test_the_states_of_many_sessions_take_few_requests(
    address: str, faults: ObjectFaults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(address)
    sessions = [f"session{number:03d}" for number in range(30)]
    for session_id in sessions:
        publish_session(store, session_id, 100)

    def states() -> int:
        """Look at all sessions as a process that just began, and return how many requests it took."""
        mirror._mirror.cache_clear()
        before = len(faults.methods)
        fresh = Store(address)
        assert fresh.sessions("ibl") == sessions
        assert all(fresh.state("ibl", one, "units").data_version for one in sessions)
        return len(faults.methods) - before

    fresh_machine(tmp_path, monkeypatch)
    n_sessions, n_listings = len(sessions), listings._MANY_SESSIONS + 5
    assert states() <= 2 * n_sessions + n_listings
    assert states() <= n_listings


def test_a_bucket_holds_what_a_disk_holds(address: str, object_server: ObjectServer, tmp_path: Path) -> None:
    stores = Store(tmp_path / "disk"), Store(address)
    for store in stores:
        publish(store, "one")
        publish(store, "two", version="2")
    prefix = address.removeprefix(f"s3://{BUCKET}/")
    root = tmp_path / "disk"
    on_disk = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("[!.]*") if path.is_file()}
    current = f"ibl/s1/units/{stores[0].folder('ibl', 's1', 'units').name}/"
    in_bucket = {key.removeprefix(f"{prefix}/"): object_server.get(key) for key in object_server.keys(prefix)}
    assert {name for name in in_bucket if name.startswith(current)} != set()
    superseded = [name for name in in_bucket if name not in on_disk]
    assert all(name.count("/") == 4 and not name.startswith(current) for name in superseded)
    assert {name: in_bucket[name] for name in on_disk} == on_disk
    # Copied to a disk, as `aws s3 sync` does, the bucket is a store.
    for name, body in in_bucket.items():
        place = tmp_path / "copied" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    assert content(Store(tmp_path / "copied")) == "two"
    assert json.loads((tmp_path / "copied" / "format.json").read_text())["format"] == 2
    assert os.listdir(tmp_path / "copied" / "ibl") == ["s1"]
