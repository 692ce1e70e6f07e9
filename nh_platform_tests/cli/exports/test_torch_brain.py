"""`nh export torch-brain`: what it says, and how it ends where a session cannot be exported."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import make_home, materialize


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    platform = make_home(folder, ("allen_vc",))
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "allen_vc", assets=("raw_spikes", "events", "signals", "units"))
    return folder


def test_sessions_are_written_and_what_is_left_out_is_said(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = nh(home, "export", "torch-brain", "allen_vc", "--out", str(out)).output
    assert "trials: the session has none" in said
    assert "allen_vc: 1 session written to" in said
    assert len(list(out.glob("allen_vc/*.h5"))) == 1
    assert (out / "nh_dataset.py").is_file()
    again = nh(home, "export", "torch-brain", "allen_vc", "--out", str(out), "--unit-index", "int32").output
    assert "1 session written" in again
    assert (
        "1 current" in nh(home, "export", "torch-brain", "allen_vc", "--out", str(out), "--unit-index", "int32").output
    )


def test_a_session_that_cannot_be_divided_is_named_and_the_command_ends_with_1(home: Path, tmp_path: Path) -> None:
    asked = ("export", "torch-brain", "allen_vc", "--out", str(tmp_path / "out"))
    refused = nh(home, *asked, "--split", "training-set:none", code=1)
    assert "none" in refused.output + refused.stderr
    assert not (tmp_path / "out").exists()
    dry = nh(home, *asked, "--split", "none", "--dry-run").output
    assert "would be written" in dry
    assert not (tmp_path / "out").exists()


def test_help_has_examples_and_units_of_measure(home: Path) -> None:
    said = nh(home, "export", "torch-brain", "--help").output
    for word in ("nh export torch-brain ibl --out recordings", "seconds", "volts", "training-set:demo"):
        assert word in said
