"""A folder of results: refused where it holds something else, whole or not there, and nothing left of an error."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from nh_platform.session import ConfigError, StoreError
from nh_platform.tasks.safetensors_file import write_tensors
from nh_platform.tasks.whole_folder import whole_folder


def test_a_folder_that_holds_something_else_is_refused_and_an_error_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(RuntimeError), whole_folder(out) as staging:
        (staging / "half").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with whole_folder(out) as staging:
        assert not out.exists()
        (staging / "all").write_text("all")
    assert (out / "all").read_text() == "all"
    with pytest.raises(ConfigError, match="it holds all already"), whole_folder(out):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="it is no folder"), whole_folder(tmp_path / "file"):
        pass
    with whole_folder(tmp_path / "nothing"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]


def test_a_full_disk_is_said_and_nothing_is_left(small_disk: Path) -> None:
    out = small_disk / "out"
    with pytest.raises(StoreError, match="the disk is full"), whole_folder(out) as staging:
        write_tensors(staging / "a.safetensors", {"a": np.zeros(2_000_000, dtype=np.uint8)}, {})
    assert list(small_disk.iterdir()) == []


def test_an_empty_folder_is_filled_where_it_is_also_by_way_of_a_link(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "there").mkdir()
    killed = tmp_path / "there" / ".part.0123abcd"
    killed.mkdir()
    os.utime(killed, (time.time() - 8 * 86400,) * 2)
    (tmp_path / "link").symlink_to(tmp_path / "there")
    before = (tmp_path / "there").stat().st_ino
    with whole_folder(tmp_path / "link") as staging:
        (staging / "all").write_text("all")
        assert not (tmp_path / "there" / "all").exists()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["all"]
    assert (tmp_path / "there").stat().st_ino == before
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with whole_folder(Path()) as staging:
        (staging / "all").write_text("all")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["all"]
    with pytest.raises(StoreError, match="too long"), whole_folder(tmp_path / ("x" * 300)):
        pass


def test_what_another_process_writes_into_the_folder_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="it holds second already"), whole_folder(tmp_path / "out") as first:
        (first / "first").write_text("first")
        with whole_folder(tmp_path / "out") as second:
            (second / "second").write_text("second")
        assert (first / "first").read_text() == "first"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["second"]


def test_what_a_killed_process_left_beside_a_folder_goes(tmp_path: Path) -> None:
    killed, other = tmp_path / ".out.part.elsewhere-1-2-0123abcd", tmp_path / ".other.part.elsewhere-1-2-0123abcd"
    for folder in (killed, other):
        folder.mkdir()
        os.utime(folder, (time.time() - 8 * 86400,) * 2)
    with whole_folder(tmp_path / "out") as staging:
        (staging / "all").write_text("all")
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "out"]
