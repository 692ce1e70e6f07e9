"""Ids of shipped files follow the folder."""

from __future__ import annotations

import os
from pathlib import Path

from nh_platform.session.yaml_files.shipped_ids import ids_in


def test_a_file_that_comes_or_goes_is_seen_and_the_list_is_the_callers(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").touch()
    (tmp_path / "a.yaml").touch()
    (tmp_path / "read.me").touch()
    ids_in(tmp_path).clear()
    assert ids_in(tmp_path) == ["a", "b"]
    for change, left in ((lambda: (tmp_path / "c.yaml").touch(), ["a", "b", "c"]),
                         (lambda: (tmp_path / "a.yaml").unlink(), ["b", "c"])):  # fmt: skip
        before = tmp_path.stat().st_mtime_ns
        change()
        os.utime(tmp_path, ns=(before + 1, before + 1))  # however coarse the clock of the disk is
        assert ids_in(tmp_path) == left
