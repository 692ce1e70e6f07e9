"""Published freezes by name: fetched once, held against their hash, and refused with the nearest name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nh_platform.history.published_freezes import PUBLISHED, freeze_named
from nh_platform.session import ConfigError, UnknownSession, UpstreamTrouble
from nh_platform_tests.loopback.serving import LoopbackServer, Reply


class Lists(LoopbackServer):
    """Serves the published lists by commit and name."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.extra = folder, b""

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        commit, name = target.strip("/").split("/")[0], Path(target).stem
        known = PUBLISHED.get(name)
        if known is None or known.commit != commit:
            return Reply(404, b"no such file", "text/plain")
        return Reply(200, (self.folder / f"{name}.csv").read_bytes() + self.extra, "text/csv")


@pytest.fixture
def lists(reference_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lists]:
    with Lists(reference_dir / "ibl_releases") as server:
        monkeypatch.setenv("NH_FREEZES_URL", server.url)
        yield server


@pytest.mark.parametrize(
    ("name", "insertions", "sessions"),
    [("2022_10_initial", 552, 350), ("2022_10_update", 557, 355), ("2022_10_bwm_release", 547, 354),
     ("2023_12_bwm_release", 699, 459)],
)  # fmt: skip
def test_a_published_list_is_fetched_by_its_name(
    lists: Lists, tmp_path: Path, name: str, insertions: int, sessions: int
) -> None:
    freeze = freeze_named(name, tmp_path)
    assert (len(freeze.insertion_ids), len(freeze.session_ids)) == (insertions, sessions)
    asked = len(lists.requests)
    assert freeze_named(name, tmp_path).version == freeze.version
    assert len(lists.requests) == asked
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == [f"{name}.csv"]


def test_a_list_with_another_hash_is_refused_and_nothing_of_it_kept(lists: Lists, tmp_path: Path) -> None:
    lists.extra = b"x"
    with pytest.raises(UpstreamTrouble, match=r"2023_12_bwm_release.*sha256"):
        freeze_named("2023_12_bwm_release", tmp_path)
    assert not list(tmp_path.glob("*.csv"))


def test_a_list_of_your_own_cannot_pass_for_a_published_one(tmp_path: Path) -> None:
    (tmp_path / "2023_12_bwm_release.csv").write_text("pid,eid\np1,e1\n")
    with pytest.raises(ConfigError, match=r"has the name of a published list and is another one"):
        freeze_named("2023_12_bwm_release", tmp_path)


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "pilot.csv").write_text("pid,eid\np1,e1\n")
    assert freeze_named("pilot", tmp_path).insertion_ids == ["p1"]
    with pytest.raises(UnknownSession, match=r"Did you mean 2023_12_bwm_release"):
        freeze_named("2023_12_bwm_realease", tmp_path)
    with pytest.raises(UnknownSession, match=r"Did you mean pilot"):
        freeze_named("pilots", tmp_path)
