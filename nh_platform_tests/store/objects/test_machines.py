"""Two machines, each with its own cache, on one store in a bucket: nothing is lost, and nobody sees a half."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nh_platform.assets.inputs import resolve_inputs
from nh_platform.assets.registry import session_assets
from nh_platform.history.wanted import want, wanted_sessions
from nh_platform.session import StoreError
from nh_platform.store import Store
from nh_platform.store.file_hashes import problems, verified
from nh_platform.store.locking.locks import Lock, LockedVersion, changing, read_lock, write_lock
from nh_platform.store.objects import cache_size, publishing
from nh_platform.store.objects.publishing import remove_unnamed, unnamed_versions
from nh_platform.store.records import is_there, look_again
from nh_platform.store.sealed import seal_json
from nh_platform_tests.loopback.object_store import BUCKET, FORK, ObjectServer, on_machine
from nh_platform_tests.store.test_any_store import content
from nh_platform_tests.store.test_layout import publish, record

FILES = [f"part-{number}.txt" for number in range(5)]


def publish_parts(store: Store, text: str, version: str = "1") -> None:
    """Publish a version of several files that all say the same, so that a mixture shows."""
    with store.publish(record(version)) as folder:
        for name in FILES:
            (folder / name).write_text(text)


def parts(address: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what all files of the version that counts say, as a machine without any cache sees it."""
    monkeypatch.setenv("NH_STORE_CACHE", str(cache))
    store = Store(address)
    folder = store.folder("ibl", "s1", "units")
    assert list(problems(folder)) == []
    assert store.state("ibl", "s1", "units").damage == ()
    texts = {verified(folder / name).read_text() for name in FILES}
    assert len(texts) == 1
    return texts.pop()


def test_a_process_that_is_forked_reads_the_store(address: str, tmp_path: Path) -> None:
    publish(Store(address), "one")
    Store(address).sources()

    def read() -> None:
        assert content(Store(address)) == "one"

    reader = on_machine(tmp_path / "other", read)
    reader.join(60)
    assert reader.exitcode == 0


def test_another_machine_sees_a_publication_after_a_while(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nh_platform.store.objects import listings

    monkeypatch.setattr(listings, "FRESH_S", 0.2)
    store = Store(address)
    publish(store, "one")
    assert content(store) == "one"
    writer = on_machine(tmp_path / "other", lambda: publish(Store(address), "two", version="2"))
    writer.join(60)
    time.sleep(0.3)
    assert content(store) == "two"


def test_an_input_that_was_fetched_or_used_was_not_replaced(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_size, "_USED_S", 0.0)
    publish(Store(address), "one")
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "other"))
    store, reader = Store(address), replace(session_assets("ibl")["raw_spikes"], inputs=("units",))
    read = resolve_inputs(store, "ibl", "s1", reader)
    assert read.replaced() == []
    time.sleep(0.01)
    assert content(store) == "one"
    assert read.replaced() == []
    publish(store, "two", "2")
    assert read.replaced() == ["units"]


@pytest.mark.slow
@pytest.mark.parametrize("same_version", [True, False])
def test_two_that_publish_at_once_both_end_and_one_counts_whole(
    same_version: bool, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def many(text: str) -> Callable[[], None]:
        def publish_many() -> None:
            for number in range(6):
                publish_parts(Store(address), f"{text} {number}", "1" if same_version else f"{text}{number}")

        return publish_many

    machines = [on_machine(tmp_path / text, many(text)) for text in ("ada", "bea")]
    for machine in machines:
        machine.join(120)
    assert [machine.exitcode for machine in machines] == [0, 0]
    assert parts(address, tmp_path / "third", monkeypatch) in ("ada 5", "bea 5")


def test_the_same_bytes_of_two_machines_are_one_version(
    address: str, object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = [on_machine(tmp_path / name, lambda: publish_parts(Store(address), "same")) for name in ("a", "b")]
    for machine in machines:
        machine.join(60)
    assert [machine.exitcode for machine in machines] == [0, 0]
    assert parts(address, tmp_path / "third", monkeypatch) == "same"
    prefix = address.removeprefix(f"s3://{BUCKET}/")
    records = [key for key in object_server.keys(prefix) if key.endswith("provenance.json")]
    assert len(records) == 1


def test_what_two_machines_want_at_once_is_all_wanted(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def want_many(name: str) -> Callable[[], None]:
        return lambda: [want(Store(address), "ibl", [f"{name}{number}"], name) for number in range(8)] and None

    machines = [on_machine(tmp_path / name, want_many(name)) for name in ("a", "b")]
    for machine in machines:
        machine.join(120)
    assert [machine.exitcode for machine in machines] == [0, 0]
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "third"))
    assert sorted(wanted_sessions(Store(address), "ibl")) == sorted(f"{n}{i}" for n in "ab" for i in range(8))


def test_histories_of_two_machines_are_one(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def release(number: int) -> Callable[[], None]:
        def publish_release() -> None:
            with Store(address).publish(record(str(number)), keep_history=True) as folder:
                (folder / "file.txt").write_text(str(number))

        return publish_release

    for number in range(4):
        machine = on_machine(tmp_path / str(number % 2), release(number))
        machine.join(60)
        assert machine.exitcode == 0
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "third"))
    history = Store(address).history("ibl", "s1", "units")
    assert list(history) == [1, 2, 3, 4]
    assert all(not any(problems(folder)) for folder in history.values())


@pytest.mark.slow
def test_killed_at_any_instant_the_old_state_or_the_new_one_counts(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_parts(Store(address), "0", "0")
    began = time.monotonic()
    publish_parts(Store(address), "timed", "timed")
    longest = time.monotonic() - began
    draw = random.Random(7)
    counting, n_new = "timed", 0
    for number in range(1, 25):
        starts, ready = FORK.Pipe()

        def publish_next(number: int = number, ready: object = ready) -> None:
            ready.send(None)  # type: ignore[attr-defined]
            publish_parts(Store(address), str(number), str(number))

        machine = on_machine(tmp_path / f"machine-{number % 3}", publish_next)
        starts.recv()
        time.sleep(draw.uniform(0, 1.5 * longest))
        os.kill(machine.pid or 0, signal.SIGKILL)
        machine.join(30)
        found = parts(address, tmp_path / f"reader-{number}", monkeypatch)
        assert found in (counting, str(number))
        n_new += found != counting
        counting = found
    publish_parts(Store(address), "last", "last")
    assert parts(address, tmp_path / "reader", monkeypatch) == "last"
    assert n_new < 24


def test_what_nobody_names_goes_after_a_while_and_locked_and_young_versions_stay(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(address)
    for number in range(3):
        publish(store, str(number), str(number))
    asset = store.asset_folder("ibl", "s1", "units")
    names = [one.name for one in store.counted("ibl", "s1", "units")]
    assert unnamed_versions(asset, names) == []
    monkeypatch.setattr(publishing, "SUPERSEDED_S", -1.0)
    assert len(unnamed_versions(asset, names)) == 2
    publish(store, "3", "3")  # removes those that were superseded before the last one was
    assert len(unnamed_versions(asset, [store.folder("ibl", "s1", "units").name])) == 1
    assert content(store) == "3"


def test_a_version_that_counts_again_is_not_removed_as_superseded_long_ago(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(address)
    publish(store, "one", "1")
    publish(store, "two", "2")
    asset = store.asset_folder("ibl", "s1", "units")
    with monkeypatch.context() as later:
        later.setattr(publishing, "SUPERSEDED_S", -1.0)
        (found,) = unnamed_versions(asset, [store.folder("ibl", "s1", "units").name])
    time.sleep(1.1)  # the server's clock has whole seconds
    between = time.time()
    time.sleep(1.1)
    publish(store, "one", "1")  # by another machine, while this one is about to remove it
    monkeypatch.setattr(publishing, "SUPERSEDED_S", time.time() - between)
    assert not remove_unnamed(found)
    assert list(problems(store.folder("ibl", "s1", "units"))) == []
    assert content(store) == "one"


def test_a_listing_without_the_version_that_counts_is_looked_at_again(
    address: str, object_server: ObjectServer
) -> None:
    store = Store(address)
    publish(store, "one")
    version = store.folder("ibl", "s1", "units")
    prefix = f"{address.removeprefix(f's3://{BUCKET}/')}/ibl/s1/units/{version.name}/"
    objects = {key: object_server.get(key) for key in object_server.keys(prefix)}
    for key in objects:
        object_server.client.delete_object(Bucket=BUCKET, Key=key)
    look_again(version)
    assert not is_there(version)
    for key, body in objects.items():
        object_server.put(key, body)
    assert store.current("ibl", "s1", "units") == version


def test_a_lock_that_another_machine_wrote_meanwhile_is_not_written_over(
    address: str, object_server: ObjectServer
) -> None:
    store = Store(address)
    publish(store, "one")
    version = LockedVersion("ibl", "s1", "units", store.folder("ibl", "s1", "units").name, record().data_version)
    with changing(store.root):
        write_lock(store.root, Lock("paper-1", "figure 3", (version,)))
        key = f"{address.removeprefix(f's3://{BUCKET}/')}/.locks/paper-1.json"
        assert read_lock(store.root, "paper-1").reason == "figure 3"
        object_server.put(key, seal_json({"name": "paper-1", "reason": "theirs", "versions": [version_row(version)]}))
        with pytest.raises(StoreError, match="another machine wrote it at the same time"):
            write_lock(store.root, Lock("paper-1", "ours", (version,)))
    assert read_lock(store.root, "paper-1").reason == "theirs"


def version_row(version: LockedVersion) -> list[str]:
    return [version.source, version.session_id, version.asset, version.folder, version.data_version]
