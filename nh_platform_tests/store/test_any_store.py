"""What holds of every store, on the disk and in a bucket."""

from __future__ import annotations

import pytest

from nh_platform.history.releases.held import accept, accepted_snapshot, forget_accepted
from nh_platform.history.wanted import want, wanted_sessions
from nh_platform.session import StoreError, UnknownSession
from nh_platform.store import Store
from nh_platform.store.durable import write_durably
from nh_platform.store.file_hashes import is_stored, verified
from nh_platform.store.hashing import stored_sizes
from nh_platform.store.locking.locked_store import LockedStore
from nh_platform.store.locking.locks import Lock, LockedVersion, lock_names, read_lock, remove_lock, write_lock
from nh_platform.store.sealed import seal_json
from nh_platform.store.store_format import FORMAT_FILE
from nh_platform_tests.store.test_layout import publish, record

UNITS = ("ibl", "s1", "units")


def content(store: Store) -> str:
    return verified(store.folder("ibl", "s1", "units") / "file.txt").read_text()


def test_what_was_published_is_current_with_its_record(anywhere: str) -> None:
    store = Store(anywhere)
    assert store.sources() == []
    assert store.current("ibl", "s1", "units") is None
    publish(store, "one")
    assert content(store) == "one"
    found = store.provenance("ibl", "s1", "units")
    assert found is not None
    assert found.model_copy(update={"files": {}}) == record()
    assert (store.sources(), store.sessions("ibl"), store.assets("ibl", "s1")) == (["ibl"], ["s1"], ["units"])
    assert store.data_version("ibl", "s1", "units") == record().data_version
    assert is_stored(store.folder("ibl", "s1", "units") / "file.txt")
    assert not is_stored(store.folder("ibl", "s1", "units") / "other.txt")


def test_the_same_version_can_be_published_again(anywhere: str) -> None:
    store = Store(anywhere)
    for text in ("one", "again", "and again", "and again"):
        publish(store, text)
        assert content(store) == text


def test_a_new_source_is_there_at_once(anywhere: str) -> None:
    store = Store(anywhere)
    publish(store, "one")
    assert store.sources() == ["ibl"]
    with store.publish(record().model_copy(update={"source": "mine", "session_id": "s2"})) as folder:
        (folder / "file.txt").write_text("two")
    assert store.sources() == ["ibl", "mine"]
    assert store.sessions("mine") == ["s2"]


def test_an_error_while_writing_leaves_what_was_there(anywhere: str) -> None:
    store = Store(anywhere)
    publish(store, "one")
    with pytest.raises(RuntimeError, match="boom"), store.publish(record("2")) as folder:
        (folder / "file.txt").write_text("half")
        raise RuntimeError("boom")
    assert content(store) == "one"
    assert list(store.history("ibl", "s1", "units")) == [1]


def test_a_locked_version_stays_and_is_read_by_its_lock(anywhere: str) -> None:
    store = Store(anywhere)
    publish(store, "one")
    first = store.folder("ibl", "s1", "units")
    write_lock(store.root, Lock("paper-1", "figure 3", (LockedVersion(*UNITS, first.name, record().data_version),)))
    publish(store, "two", version="2")
    publish(store, "three", version="3")
    assert (lock_names(store.root), read_lock(store.root, "paper-1").reason) == (["paper-1"], "figure 3")
    locked = LockedStore(anywhere, "paper-1")
    assert verified(locked.folder(*UNITS) / "file.txt").read_text() == "one"
    assert store.counted(*UNITS) == [first, store.folder(*UNITS)]
    with pytest.raises(StoreError, match="only read"):
        publish(locked, "four", version="4")
    remove_lock(store.root, "paper-1")
    assert lock_names(store.root) == []
    with pytest.raises(UnknownSession, match="there is none of that name"):
        remove_lock(store.root, "paper-1")


def test_a_history_names_every_version_that_counted(anywhere: str) -> None:
    store = Store(anywhere)
    for number in (1, 2, 1):
        with store.publish(record(str(number)), keep_history=True) as folder:
            (folder / "file.txt").write_text(str(number))
    texts = [verified(folder / "file.txt").read_text() for folder in store.history(*UNITS).values()]
    assert texts == ["1", "2", "1"]


def test_what_is_wanted_stays_wanted(anywhere: str) -> None:
    store = Store(anywhere)
    want(store, "ibl", ["s1"], "ada")
    want(store, "ibl", ["s1", "s2"], "bea")
    assert wanted_sessions(Store(anywhere), "ibl") == {"s1": "ada", "s2": "bea"}


def test_records_that_may_go_are_removed_with_their_copies(anywhere: str) -> None:
    store = Store(anywhere)
    publish(store, "one")
    accept(store, "ibl", 3)
    assert accepted_snapshot(store, "ibl") == 3
    forget_accepted(store, "ibl")
    assert accepted_snapshot(store, "ibl") is None


def test_a_session_whose_folder_is_named_as_the_beginning_of_another_is_its_own(anywhere: str) -> None:
    store = Store(anywhere)
    for session_id in ("s1", "s1-b", "s10"):
        with store.publish(record().model_copy(update={"session_id": session_id})) as folder:
            (folder / "file.txt").write_text(session_id)
    assert store.sessions("ibl") == ["s1", "s1-b", "s10"]
    sizes = {one: stored_sizes(store.root / "ibl" / one) for one in store.sessions("ibl")}
    assert {one: len([name for name in of if not name.endswith("lock")]) for one, of in sizes.items()} == {
        "s1": 3,
        "s1-b": 3,
        "s10": 3,
    }
    assert len([one for one in stored_sizes(store.root / "ibl") if not one.endswith("lock")]) == 9


def test_a_store_of_another_format_is_refused(anywhere: str) -> None:
    store = Store(anywhere)
    publish(store, "one")
    write_durably(store.root / FORMAT_FILE, seal_json({"format": 3}))
    with pytest.raises(StoreError, match=f"store {store.address}: it has format 3"):
        Store(anywhere).current(*UNITS)
