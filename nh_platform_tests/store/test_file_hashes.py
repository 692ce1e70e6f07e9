"""A stored file is compared on first opening, and whatever is damaged is named, noted and mended in place."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nh_platform.planning.verification import verify
from nh_platform.session import DamagedFile, StoreError
from nh_platform.store import Provenance, Store, data_version, file_hashes
from nh_platform.store.codecs.json_files import read_json, write_json
from nh_platform.store.file_hashes import is_stored, problems, require_intact, verified

ASSET = ("ibl", "s1", "units")


def record(version: str = "1") -> Provenance:
    source, session_id, asset = ASSET
    return Provenance(
        asset=asset,
        source=source,
        session_id=session_id,
        data_version=data_version(version, {}, {}),
        code_version=version,
    )


def publish(store: Store, version: str = "1") -> Path:
    with store.publish(record(version)) as folder:
        write_json(folder / "summary.json", {"version": version})
        (folder / "parts").mkdir()
        (folder / "parts" / "one.bin").write_bytes(b"bytes" * 1000)
    return store.folder(*ASSET)


def flip(path: Path, bit: int = 3) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1 << bit
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lose(path: Path) -> None:
    path.unlink()


FILES = ("summary.json", "parts/one.bin", "provenance.json", "../current")


@pytest.mark.parametrize("damage", [flip, cut, empty, lose], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", FILES)
def test_damage_is_stale_and_mended_in_place(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    store = Store(tmp_path)
    version = publish(store)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    damage(version / name)
    if name in ("summary.json", "parts/one.bin"):
        assert store.data_version(*ASSET) == record().data_version, "not seen before somebody opens it"
        with pytest.raises(DamagedFile, match=r"units of ibl session s1.*nh verify ibl s1 --repair"):
            verified(version / name)
        with pytest.raises(DamagedFile):
            require_intact(version)
    if name != "../current" or damage is not lose:
        assert store.damaged("ibl", "s1").keys() == {"units"}
        assert store.assets("ibl", "s1") == []
        assert store.usable(*ASSET) is None
    assert store.data_version(*ASSET) is None
    publish(store)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert store.damaged("ibl", "s1") == {}
    assert store.data_version(*ASSET) == record().data_version
    assert list(problems(version)) == []


def test_a_file_is_hashed_once_per_process_and_again_when_it_was_written_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish(Store(tmp_path))
    hashed: list[str] = []
    hash_file = file_hashes.hash_file

    def counted(path: Path) -> file_hashes.StoredFile:
        hashed.append(path.name)
        return hash_file(path)

    monkeypatch.setattr(file_hashes, "hash_file", counted)
    for _ in range(3):
        assert read_json(version / "summary.json") == {"version": "1"}
    assert hashed == ["summary.json"]
    os.utime(version / "summary.json")
    read_json(version / "summary.json")
    require_intact(version)
    assert hashed == ["summary.json", "summary.json", "one.bin"]


def test_a_file_that_was_not_published_is_refused(tmp_path: Path) -> None:
    version = publish(Store(tmp_path))
    write_json(version / "more.json", {"a": 1})
    with pytest.raises(DamagedFile, match="not among the files that were published"):
        read_json(version / "more.json")
    (version / ".hidden").write_text("a file manager's")
    (version / "more.json").unlink()
    assert list(problems(version)) == []


def test_a_file_that_belongs_to_no_version_is_taken_as_it_is(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": 1})
    assert read_json(tmp_path / "a.json") == {"a": 1}


def test_what_is_being_written_is_not_compared(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store)
    with store.publish(record("2")) as folder:
        write_json(folder / "summary.json", {"version": "2"})
        assert read_json(folder / "summary.json") == {"version": "2"}


def test_a_lost_file_is_still_called_stored(tmp_path: Path) -> None:
    version = publish(Store(tmp_path))
    assert is_stored(version / "summary.json")
    assert not is_stored(version / "never.json")
    (version / "summary.json").unlink()
    assert is_stored(version / "summary.json"), "opening it names it; it must not read as one that never was"
    with pytest.raises(DamagedFile, match="it is missing"):
        read_json(version / "summary.json")


def test_a_version_that_was_replaced_is_no_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    version = publish(store)
    publish(store, "2")
    with pytest.raises((FileNotFoundError, DamagedFile)):
        verified(version / "summary.json")
    assert store.damaged("ibl", "s1") == {}
    assert not (version.parent / "damaged").exists()


def test_the_note_of_an_earlier_version_is_of_no_account(tmp_path: Path) -> None:
    store = Store(tmp_path)
    version = publish(store)
    flip(version / "summary.json")
    with pytest.raises(DamagedFile):
        verified(version / "summary.json")
    note = (version.parent / "damaged").read_bytes()
    publish(store, "2")
    (version.parent / "damaged").write_bytes(note)
    assert store.damaged("ibl", "s1") == {}
    (version.parent / "damaged").write_bytes(note[:-1])
    assert store.damaged("ibl", "s1").keys() == {"units"}, "nobody knows what it said"


def test_trouble_that_may_pass_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    version = publish(store)

    def too_many(_: Path) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr(file_hashes, "hash_file", too_many)
        with pytest.raises(StoreError, match=r"summary\.json.*cannot be read now.*Too many open files") as caught:
            verified(version / "summary.json")
    assert not isinstance(caught.value, DamagedFile)
    assert store.damaged("ibl", "s1") == {}
    assert read_json(version / "summary.json") == {"version": "1"}


def test_a_fifo_or_folder_in_the_place_of_a_file_is_damage_and_not_waited_on(tmp_path: Path) -> None:
    for name in ("summary.json", "provenance.json"):
        version = publish(Store(tmp_path / name))
        (version / name).unlink()
        os.mkfifo(version / name)
        with pytest.raises(DamagedFile, match="it is no regular file"):
            require_intact(version)
        (version / name).unlink()
        (version / name).mkdir()
        with pytest.raises(DamagedFile, match="it is no regular file"):
            require_intact(version)


def test_a_note_of_a_file_that_was_mended_since_says_nothing(tmp_path: Path) -> None:
    """A reader that notes what it found after the asset was made again must not have it made a second time."""
    store = Store(tmp_path)
    version = publish(store)
    flip(version / "summary.json")
    with pytest.raises(DamagedFile):
        verified(version / "summary.json")
    late = (version.parent / "damaged").read_bytes()
    publish(store)
    (version.parent / "damaged").write_bytes(late)
    assert store.damaged("ibl", "s1") == {}
    assert store.data_version(*ASSET) == record().data_version


def test_folders_that_were_swapped_between_sessions_are_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store)
    with store.publish(record().model_copy(update={"session_id": "s2"})) as folder:
        write_json(folder / "summary.json", {"version": "of s2"})
    one, other = (store.asset_folder("ibl", session, "units") for session in ("s1", "s2"))
    one.rename(tmp_path / "aside")
    other.rename(one)
    (tmp_path / "aside").rename(other)
    for session in ("s1", "s2"):
        with pytest.raises(DamagedFile, match="it is the record of units of ibl session"):
            read_json(store.folder("ibl", session, "units") / "summary.json")
        assert store.damaged("ibl", session).keys() == {"units"}


def test_versions_that_were_swapped_within_a_history_are_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for version in "12":
        with store.publish(record(version), keep_history=True) as folder:
            write_json(folder / "summary.json", {"version": version})
    first, second = store.history(*ASSET).values()
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    for version in (first, second):
        with pytest.raises(DamagedFile, match="it is the record of version"):
            read_json(version / "summary.json")


def test_a_version_that_the_history_names_and_that_is_gone_is_named_in_words(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for version in "12":
        with store.publish(record(version), keep_history=True) as folder:
            write_json(folder / "summary.json", {"version": version})
    first, _ = store.history(*ASSET).values()
    shutil.rmtree(first)
    assert [(one.version, one.found) for one in verify(store).damages] == [
        (first.name, "this version counts and is missing")
    ]


@pytest.mark.parametrize("name", ["../current", "../damaged", "provenance.json"])
def test_a_folder_or_fifo_in_the_place_of_a_record_is_mended(tmp_path: Path, name: str) -> None:
    for make in (os.mkfifo, os.mkdir):
        store = Store(tmp_path / make.__name__)
        version = publish(store)
        (version / name).unlink(missing_ok=True)
        make(version / name)
        assert store.damaged("ibl", "s1").keys() == {"units"}
        publish(store)
        assert store.damaged("ibl", "s1") == {}
        assert list(problems(store.folder(*ASSET))) == []


def test_the_log_of_versions_that_was_lost_costs_none_of_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folders = []
    for version in "123":
        with store.publish(record(version), keep_history=True) as folder:
            write_json(folder / "summary.json", {"version": version})
        folders.append(store.folder(*ASSET))
    for name in ("history", "history.copy"):
        (store.asset_folder(*ASSET) / name).unlink()
    with store.publish(record("4"), keep_history=True) as folder:
        write_json(folder / "summary.json", {"version": "4"})
    assert all(folder.exists() for folder in folders)


def test_a_folder_of_somebody_elses_with_a_file_called_current_is_no_version(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "current").write_text("mine")
    write_json(tmp_path / "mine" / "a.json", {"a": 1})
    assert read_json(tmp_path / "mine" / "a.json") == {"a": 1}
    assert not (tmp_path / "damaged").exists()


def test_a_store_that_may_only_be_read_is_no_less_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = publish(Store(tmp_path))
    flip(version / "summary.json")

    def refused(*_) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(file_hashes, "note_damage", refused)
    with pytest.raises(DamagedFile, match="hash differs"):
        verified(version / "summary.json")


def test_a_version_that_is_moved_elsewhere_is_read_with_its_hashes(tmp_path: Path) -> None:
    version = publish(Store(tmp_path / "store"))
    copied = tmp_path / "copy" / version.name
    shutil.copytree(version, copied)
    assert read_json(copied / "summary.json") == {"version": "1"}
    flip(copied / "summary.json")
    with pytest.raises(DamagedFile):
        read_json(copied / "summary.json")
