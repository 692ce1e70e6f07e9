"""`nh export hdf5`, `npz`, `npy`, `parquet`, `spikes` and `card` at the prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.home.platform import Platform
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import set_aside


@pytest.mark.parametrize("layout", ["hdf5", "npz", "npy", "parquet"])
def test_a_session_is_written_once_and_then_left_alone(three_sources: Platform, tmp_path: Path, layout: str) -> None:
    home, out = three_sources.settings.home, tmp_path / "out"
    (session,) = three_sources.store.sessions("allen_vbn")
    asked = ("export", layout, "allen_vbn", session[:6], "--out", str(out), "--units", "good")
    planned = nh(home, *asked, "--dry-run").stdout
    assert "1 session would be written" in planned
    assert not out.exists()
    assert "allen_vbn: 1 session written" in nh(home, *asked).stdout
    assert (out / "allen_vbn").is_dir()
    assert "1 current and left alone" in nh(home, *asked).stdout
    assert "as they were exported" in nh(home, "export", "card", str(out)).stdout
    other = "npy" if layout != "npy" else "npz"
    refused = nh(home, "export", other, "allen_vbn", "--out", str(out), code=1)
    assert f"it holds an export of layout {layout}" in " ".join(refused.stderr.split())


def test_a_session_that_cannot_be_written_ends_with_1(three_sources: Platform, tmp_path: Path) -> None:
    asked = ("export", "npz", "ibl", "--units", "no-such-book", "--out", str(tmp_path / "out"))
    refused = nh(three_sources.settings.home, *asked, code=1)
    assert "1 session not exported" in refused.stderr


def test_a_pack_says_its_size_before_it_is_written(three_sources: Platform, tmp_path: Path) -> None:
    home, out = three_sources.settings.home, tmp_path / "pack"
    asked = ("export", "spikes", "ibl", "allen_vc", "allen_vbn", "--out", str(out))
    planned = nh(home, *asked, "--dry-run").stdout
    assert "would be written to" in planned
    assert not out.exists()
    written = nh(home, *asked).stdout
    assert written.replace("written to", "would be written to") == planned
    assert "current in" in nh(home, *asked).stdout


@pytest.mark.parametrize("layout", ["hdf5", "npz", "npy", "parquet", "nwb", "torch-brain", "spikes"])
def test_a_session_that_is_set_aside_is_left_out_and_said_to_be(
    three_sources: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path / "reviews"))
    home, (session,) = three_sources.settings.home, three_sources.store.sessions("allen_vbn")
    set_aside(tmp_path / "reviews", "allen_vbn", session)
    asked = ("export", layout, "allen_vbn", "--out", str(tmp_path / "out"), "--dry-run")
    refused = " ".join(nh(home, *asked, code=1).stderr.split())
    assert f"set aside 1 session, and no other is stored; {session}: set aside by ada, bea: seizures" in refused
    taken = nh(home, *asked, "--with-set-aside")
    assert f"{session}: set aside by ada, bea: seizures; taken all the same" in " ".join(taken.stderr.split())
    assert "1 session" in taken.stdout
