"""Where stimulus tensors and pictures are written to: refused before a join that takes minutes, and said in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nh_platform import operations
from nh_platform.exports.stimulus import npy
from nh_platform.session import StoreError
from nh_platform.store.durable import require_folder

EXPORTS: list[Callable[[Path, Path], object]] = [
    lambda home, out: operations.export_stimulus(home, "natural_scenes", "VISp", out),
    lambda home, out: operations.export_pictures(home, "natural_scenes", out),
]


@pytest.mark.parametrize("export", EXPORTS)
def test_a_folder_that_cannot_be_written_into_is_refused_before_the_home_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, export: Callable[[Path, Path], object]
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    home = tmp_path / "no-home"
    for out in (tmp_path / "file", tmp_path / "file" / "deep" / "out"):
        with pytest.raises(StoreError, match="file: it is no folder"):
            export(home, out)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="gone: it is no folder"):
        export(home, tmp_path / "gone")
    with pytest.raises(StoreError, match="name too long"):
        export(home, tmp_path / ("x" * 300))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # a superuser may write everywhere
    with pytest.raises(StoreError, match=f"{tmp_path.name}: it cannot be written into"):
        export(home, tmp_path / "new" / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "gone"]


def test_a_folder_that_is_there_or_can_be_made_is_taken_and_not_made(tmp_path: Path) -> None:
    require_folder(tmp_path)
    require_folder(tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_array_that_the_disk_does_not_take_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(npy.np, "save", full)
    with pytest.raises(StoreError, match="the disk is full"):
        npy._save(tmp_path / "a.npy", np.zeros(3))
    assert list(tmp_path.iterdir()) == []
