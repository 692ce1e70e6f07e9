"""`nh embed units` on a home of a simulated session: a summary, the units, another window, robustness."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import nh_platform
from nh_platform import operations
from nh_platform_tests.cli.commands import nh


def test_a_summary_and_the_units_of_a_session(home: Path) -> None:
    (row,) = json.loads(nh(home, "embed", "units", "ibl", "--format", "json").stdout)
    assert row["window"] == "start-30s"
    assert row["units"] == 24
    assert row["problems"] == "none"
    table = json.loads(nh(home, "embed", "units", "ibl", row["session"][:6], "--format", "json").stdout)
    assert len(table) == 24
    assert {"beryl", "cosmos_id", "atlas_level", "acg_29", "isi_hist_00", "waveform_stated_s"} <= table[0].keys()
    assert sum(one["is_silent"] for one in table) == row["silent"]
    shown = nh(home, "embed", "units", "ibl", row["session"]).stdout
    assert "start-30s" in shown
    assert "fano" in shown


def test_another_window_is_computed_and_not_stored(home: Path) -> None:
    session = nh_platform.open_store(home).session("ibl", nh_platform.open_store(home).store.sessions("ibl")[0])
    (found,) = operations.describe_units(home, "ibl", window="start-20s")
    assert not found.is_stored
    assert found.window is not None
    assert found.window.available_s == pytest.approx(20)
    assert found.table is not None
    assert found.table["n_spikes"].sum() < 0.9 * session.embeddings["n_spikes"].sum()
    assert session.embeddings_window.id == "start-30s"
    said = nh(home, "embed", "units", "ibl", session.session_id, "--window", "drifting-gratings").stderr
    assert "reference window drifting-gratings: no drifting grating was shown" in said
    said = nh(home, "embed", "units", "ibl", "--window", "start-5s", code=1).stderr
    assert "reference window 'start-5s': lasts 5 s" in said
    assert "State start-10s to start-30s" in said


def test_robustness_compares_disjoint_windows(home: Path) -> None:
    given = ("embed", "units", "ibl", "--robustness", "--window", "start-30s", "--format", "json")
    rows = json.loads(nh(home, *given).stdout)
    assert [row["window"] for row in rows] == ["first half", "start-30s", "start-30s", "start-30s"]
    assert rows[0]["times chance"] >= 5
    assert rows[0]["correlation"] > rows[0]["with other units"] + 0.2


def test_what_is_not_there_is_said(home: Path) -> None:
    assert "zzzz" in nh(home, "embed", "units", "ibl", "zzzz", code=1).stderr
    assert "no session of it has unit embeddings" in nh(home, "embed", "units", "allen_vc", code=1).stderr
