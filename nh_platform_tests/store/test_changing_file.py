"""A file that several people change: one at a time, with accounts of their own, and in words where it does not go."""

from __future__ import annotations

import stat
from pathlib import Path
from threading import Event, Thread

import pytest

from nh_platform.session import StoreError
from nh_platform.store import durable


def test_one_change_waits_for_another_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "new" / "notes.txt"

    def add(word: str) -> None:
        for _ in range(20):
            with durable.changing_file(path):
                text = path.read_text() if path.exists() else ""
                durable.write_durably(path, f"{text}{word}\n".encode())

    threads = [Thread(target=add, args=(word,)) for word in ("ada", "bea")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_text().split()) == ["ada"] * 20 + ["bea"] * 20


def test_who_waits_too_long_is_told_which_file_and_that_nothing_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "_CHANGE_WAIT_S", 0.05)
    path, held, done = tmp_path / "notes.txt", Event(), Event()

    def hold() -> None:
        with durable.changing_file(path):
            held.set()
            done.wait(10)

    thread = Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        told = r"notes\.txt: another process .* 0\.05 s.*nothing was written"
        with pytest.raises(StoreError, match=told), durable.changing_file(path):
            raise AssertionError("two at once")
    finally:
        done.set()
        thread.join()


def test_the_lock_can_be_held_by_another_account(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    with durable.changing_file(path):
        pass
    assert stat.S_IMODE((tmp_path / ".notes.txt.lock").stat().st_mode) == 0o666
