"""A file, or a link to nowhere, where a home or one of its folders should be is named, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.home.settings import load_settings
from nh_platform.session import ConfigError


@pytest.mark.parametrize("part", ["", "store", "dagster", "reviews"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, part: str) -> None:
    home = tmp_path / "home"
    (home / part).parent.mkdir(exist_ok=True)
    (home / part).write_text("of a person", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"{home / part}: it is a file, and a folder is expected"):
        load_settings(home)
    assert (home / part).read_text(encoding="utf-8") == "of a person"


def test_a_link_to_a_disk_that_is_away_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").symlink_to(tmp_path / "away")
    with pytest.raises(ConfigError, match=r"store: it is a link to .*away, which is not there. Mount the disk"):
        load_settings(tmp_path)
