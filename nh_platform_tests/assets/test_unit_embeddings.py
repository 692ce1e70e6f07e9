"""The asset `unit_embeddings` of simulated sessions in the upstream formats, by reference window and waveforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.assets.record import AssetResult
from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import MadeAsset, make_session_asset
from nh_platform.planning.versions import SourcePlan
from nh_platform.reading import SessionView
from nh_platform_tests.homes import make_home

NEEDED = ("raw_spikes", "events", "windows", "unit_embeddings")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Return a home with a session of each source, whose inputs of embeddings are made, waveforms included."""
    folder = tmp_path_factory.mktemp("home")
    platform = make_home(folder, ("ibl", "allen_vc", "allen_vbn"))
    for source in platform.settings.sources:
        store_manifest(platform.store, platform.source(source).manifest(), "1")
    (folder / "sources.yaml").write_text(
        (folder / "sources.yaml").read_text() + "  also_assets: [mean_waveforms]\n", encoding="utf-8"
    )
    return folder


def made(home: Path, source: str, window: str) -> tuple[AssetResult, SessionView]:
    """Make the embeddings of the first session of a source, and what they read where it is not made yet."""
    lines = [line for line in (home / "sources.yaml").read_text().splitlines() if "reference_window" not in line]
    at = lines.index(f"{source}:")
    lines.insert(at + 1, f"  reference_window: {window}")
    (home / "sources.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    platform = Platform(load_settings(home))
    session_id = platform.manifest(source).session_ids[0]
    assets = SourcePlan(platform, source).assets
    result: MadeAsset | None = None
    for name in [one for one in assets if one in NEEDED or one == "mean_waveforms"]:
        if name == "unit_embeddings" or platform.store.current(source, session_id, name) is None:
            result = make_session_asset(platform, source, session_id, name)
    assert result is not None
    return result.result, SessionView(platform.store, source, session_id)


@pytest.mark.parametrize(
    ("source", "window"),
    [
        ("ibl", "whole-session"),
        ("ibl", "start-25s"),
        ("ibl", "first-block"),
        ("allen_vc", "spontaneous-30s"),
        ("allen_vbn", "task-60s"),
        ("allen_vbn", "spontaneous-15s"),
    ],
)
def test_units_are_described_from_the_window_that_is_configured(home, source, window) -> None:
    result, session = made(home, source, window)
    table, used = session.embeddings, session.embeddings_window
    assert used.id == window
    assert result.notes == ()
    assert len(table) == session.spikes.n_units
    fires = ~table["is_silent"]
    assert fires.sum() >= 3
    rates = table["n_spikes"] / used.available_s
    assert np.allclose(table["rate_hz"], rates, rtol=0.02)  # invalid time is left out of the rate
    assert np.isfinite(table.loc[fires, "isi_lvr"]).all()
    assert result.checks["units_fire"].passed == (fires.mean() >= 0.5)
    assert table.loc[fires, "depth_um"].notna().all()
    assert table["grating_000_hz"].isna().all()
    assert table["waveform_duration_s"].notna().any() == (source == "allen_vbn")  # made for it alone


def test_gratings_describe_units_of_visual_coding(home) -> None:
    result, session = made(home, "allen_vc", "drifting-gratings")
    table, used = session.embeddings, session.embeddings_window
    shown = session.presentations
    is_grating = shown["stimulus_name"].eq("drifting_gratings") & shown["orientation"].notna() & shown["valid"]
    assert used.available_s == pytest.approx((shown["stop_time"] - shown["start_time"])[is_grating].sum())
    responses = table[[f"grating_{direction:03d}_hz" for direction in range(0, 360, 45)]]
    assert responses.notna().all(axis=None)
    assert np.allclose(responses.mean(axis=1), table["rate_hz"], rtol=0.05, atol=0.05)
    assert result.checks["unit_vectors_sound"].is_known


def test_a_window_that_the_session_lacks_is_noted_and_warned_of(home) -> None:
    result, session = made(home, "allen_vc", "first-block")
    assert result.notes == (
        "reference window first-block: the session has no trials; the features of its units are undefined",
    )
    assert session.embeddings_window.is_empty
    assert session.embeddings["is_silent"].all()
    assert not result.checks["units_fire"].passed
    assert not result.checks["unit_vectors_sound"].is_known
