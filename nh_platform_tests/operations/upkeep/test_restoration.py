"""A restoration is all or nothing: stopped anywhere it goes on, and nothing of it gets out of its folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.home.restoring import RECORD
from nh_platform.home.settings import load_settings
from nh_platform.operations.upkeep import restoration
from nh_platform.operations.upkeep.backup_files import BACKUP_FILE
from nh_platform.session import ConfigError, DamagedFile, StoreError
from nh_platform.store import Store
from nh_platform.store.hashing import hash_file
from nh_platform.store.sealed import seal_json, unseal_json
from nh_platform_tests.store.test_file_hashes import ASSET, publish, record


@pytest.fixture
def backed_up(tmp_path: Path) -> Path:
    """Make the backup of a home with an asset, a review, settings and a history."""
    home = tmp_path / "home"
    publish(Store(home / "store"))
    for name in ("reviews/ibl/notes.txt", "sources.yaml", "dagster/history/notes.txt"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("ibl: {}\n")
    return operations.backup(home, tmp_path / "backups").folder


def content(home: Path) -> dict[str, bytes]:
    files = (path for path in home.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in files if path.name != BACKUP_FILE}


class Killed(BaseException):
    """Stands for a kill: nothing that cleans up may run."""


@pytest.mark.parametrize("after", range(6))
def test_one_that_was_stopped_between_two_names_is_refused_and_goes_on(
    backed_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    new, rename, left = tmp_path / "new", os.rename, iter(range(after))

    def renaming(one: Path, other: Path) -> None:
        if next(left, None) is None:
            raise Killed
        rename(one, other)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", renaming)
        try:
            operations.restore(backed_up, new)
        except Killed:
            for act in (load_settings, operations.status, lambda home: operations.backup(home, tmp_path / "b")):
                with pytest.raises(ConfigError, match=rf"is not done.*nh --home {new} restore {backed_up}"):
                    act(new)
            assert not (new / "store").exists()
    backed_up.rename(tmp_path / "moved")  # all of its bytes are in the home
    named = tmp_path / "backups" if (new / RECORD).exists() else tmp_path / "moved"
    if (new / RECORD).exists() or not (new / "store").exists():
        assert operations.restore(named, new).n_files == len(content(tmp_path / "moved"))
    assert content(new) == content(tmp_path / "moved")
    assert load_settings(new).home == new


def test_one_that_was_killed_while_it_copied_is_begun_anew(
    backed_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    with monkeypatch.context() as patched:
        patched.setattr(restoration, "_copy", lambda *_: (_ for _ in ()).throw(Killed))
        patched.setattr(restoration, "end_restoration", lambda _: None)
        with pytest.raises(Killed):
            operations.restore(backed_up, new)
    (new / unseal_json((new / RECORD).read_bytes())["partial"]).mkdir()
    with pytest.raises(ConfigError, match="is not done"):
        operations.status(new)
    operations.restore(backed_up, new)
    assert content(new) == content(backed_up)


def test_another_backup_does_not_finish_one_that_was_stopped(
    backed_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = operations.backup(tmp_path / "home", tmp_path / "others").folder
    with monkeypatch.context() as patched:
        patched.setattr(restoration, "_give_names", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            operations.restore(backed_up, tmp_path / "new")
    with pytest.raises(ConfigError, match=f"another backup is named.*restore {backed_up}"):
        operations.restore(other, tmp_path / "new")
    (tmp_path / "new" / RECORD).write_bytes(b"{")
    with pytest.raises(ConfigError, match=r"restoring\.json.*damaged.*Empty the home folder"):
        operations.restore(backed_up, tmp_path / "new")


def test_only_one_process_restores_into_a_folder(backed_up: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    seen = []

    def at_file(_: object) -> None:
        if not seen:
            with pytest.raises(ConfigError, match="another process restores into it") as caught:
                operations.restore(backed_up, new)
            seen.append(caught)

    operations.restore(backed_up, new, on_progress=at_file)
    assert len(seen) == 1
    assert content(new) == content(backed_up)


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "store/../../out.txt", "", "store//x", "./x"])
def test_a_name_that_leads_out_of_the_backup_is_refused(backed_up: Path, tmp_path: Path, name: str) -> None:
    (backed_up.parent / "out.txt").write_text("out")
    stated = hash_file(backed_up.parent / "out.txt").model_dump()
    manifest = unseal_json((backed_up / BACKUP_FILE).read_bytes())
    manifest["files"][name] = stated
    (backed_up / BACKUP_FILE).write_bytes(seal_json(manifest))
    with pytest.raises(DamagedFile, match="does not lie in the backup"):
        operations.restore(backed_up, tmp_path / "new")
    assert not list(tmp_path.glob("new/*"))
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize("of", ["file", "folder", "fifo"])
def test_a_link_that_leads_out_of_the_backup_is_refused(backed_up: Path, tmp_path: Path, of: str) -> None:
    notes = backed_up / "reviews" / "ibl" / "notes.txt"
    moved = notes if of != "folder" else notes.parent
    moved.rename(tmp_path / "moved")
    os.mkfifo(moved) if of == "fifo" else moved.symlink_to(tmp_path / "moved")
    with pytest.raises(DamagedFile, match=r"the backup lacks it|leads out of the backup"):
        operations.restore(backed_up, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_reviews_come_back_to_where_they_are_read(
    backed_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviews = tmp_path / "reviews"
    monkeypatch.setenv("NH_REVIEWS", str(reviews))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    (reviews / "ibl").mkdir(parents=True)
    (reviews / "ibl" / "notes.txt").write_text("others")
    with pytest.raises(ConfigError, match=r"it holds other reviews than the backup: .*notes\.txt"):
        operations.restore(backed_up, tmp_path / "new")
    (reviews / "ibl" / "notes.txt").unlink()
    (reviews / "ibl" / "more.txt").write_text("more")
    found = operations.restore(backed_up, tmp_path / "new")
    assert sorted(path.name for path in (reviews / "ibl").iterdir()) == ["more.txt", "notes.txt"]
    assert not (tmp_path / "new" / "reviews").exists()
    assert [str(reviews) in text or "DAGSTER_HOME names" in text for text in found.elsewhere] == [True, True]
    again = operations.backup(tmp_path / "new", tmp_path / "again").folder
    assert (again / "reviews" / "ibl" / "more.txt").read_text() == "more"


def test_what_appeared_meanwhile_is_not_overwritten(
    backed_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    give_names: Callable[..., None] = restoration._give_names

    def giving(folder: Path, begun: object) -> None:
        (new / "sources.yaml").write_text("allen_vc: {}\n")
        give_names(folder, begun)

    with monkeypatch.context() as patched:
        patched.setattr(restoration, "_give_names", giving)
        with pytest.raises(ConfigError, match=r"sources\.yaml appeared in it.*run `nh restore` again"):
            operations.restore(backed_up, new)
    assert (new / "sources.yaml").read_text() == "allen_vc: {}\n"
    (new / "sources.yaml").unlink()
    operations.restore(backed_up, new)
    assert content(new) == content(backed_up)


def test_a_home_in_the_backup_is_refused(backed_up: Path) -> None:
    with pytest.raises(ConfigError, match="it lies in the backup"):
        operations.restore(backed_up, backed_up / "new")


def test_a_full_disk_is_told_and_nothing_is_left_of_either(backed_up: Path, tmp_path: Path, small_disk: Path) -> None:
    with Store(tmp_path / "home" / "store").publish(record().model_copy(update={"asset": "signals"})) as folder:
        (folder / "x").write_bytes(bytes(2_000_000))
    with pytest.raises(StoreError, match="the disk is full"):
        operations.backup(tmp_path / "home", small_disk)
    assert list(small_disk.iterdir()) == []
    found = operations.backup(tmp_path / "home", tmp_path / "backups")
    with pytest.raises(StoreError, match="the disk is full"):
        operations.restore(found.folder, small_disk / "new")
    assert list((small_disk / "new").iterdir()) == []
    assert Store(tmp_path / "home" / "store").data_version(*ASSET) is not None
