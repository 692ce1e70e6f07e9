"""What holds of every store, on the disk and in a bucket."""

from __future__ import annotations

import pytest

from nh_platform.store import Store
from nh_platform.store.file_hashes import is_stored, verified
from nh_platform_tests.store.test_layout import publish, record


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


def test_an_error_while_writing_leaves_what_was_there(anywhere: str) -> None:
    store = Store(anywhere)
    publish(store, "one")
    with pytest.raises(RuntimeError, match="boom"), store.publish(record("2")) as folder:
        (folder / "file.txt").write_text("half")
        raise RuntimeError("boom")
    assert content(store) == "one"
    assert list(store.history("ibl", "s1", "units")) == [1]
