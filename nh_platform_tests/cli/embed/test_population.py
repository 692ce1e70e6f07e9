"""`nh embed population` on a home with one session: what is explained, what holds up, and what is lacking."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

import nh_platform
from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform_tests.cli.commands import nh, rows
from nh_platform_tests.homes import make_home, materialize

ASSETS = ("raw_spikes", "events", "signals", "units", "windows", "window_embeddings")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    made = make_home(folder, ["allen_vc"])
    settings = made.settings.home / "sources.yaml"
    settings.write_text(f"{settings.read_text()}  also_assets: [window_embeddings]\n")
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(Platform(load_settings(folder)), instance, "allen_vc", assets=ASSETS)
    assert outcome.success, outcome.errors
    return folder


@pytest.fixture(scope="module")
def session_id(home: Path) -> str:
    return str(nh_platform.open_store(home).sessions("allen_vc")["session_id"].iloc[0])


def test_models_are_printed_with_what_holds_up(home: Path, session_id: str) -> None:
    said = nh(home, "embed", "population", "allen_vc", session_id[:5]).output
    assert "continuous-1s" in said
    assert "4 of 4 models rebuild held-out windows better than shuffled ones" in said
    assert "fewer than 5 good units, no model of their own: CA3 3" in " ".join(said.split())
    one_model = ("--preset", "continuous-1s", "--method", "fa", "--format", "csv")
    (one,) = rows(nh(home, "embed", "population", "allen_vc", session_id, *one_model))
    assert (one["region"], one["method"], one["n_components"]) == ("all", "fa", "5")
    assert float(one["rebuilt"]) > 0.2 > 0 > float(one["shuffled"])
    assert float(one["explained_1"]) > float(one["explained_2"]) > 0


def test_what_is_read_projects_to_what_is_stored(home: Path, session_id: str) -> None:
    session = nh_platform.open_store(home).session("allen_vc", session_id)
    assert session.window_presets == ("continuous-1s", "stim-halves-500ms")
    states, windows = session.window_embeddings("continuous-1s"), session.windows("continuous-1s")
    assert len(states) == len(windows)
    valid = np.isfinite(states.latents()).all(axis=1)
    for method in ("pca", "fa"):
        units = states.units("all", method)
        chosen = pd.Index(windows.unit_ids).get_indexer(units["unit_id"])
        counts = windows.counts.sum(axis=2, dtype=np.int64)[:, chosen]
        projected = states.project(counts, 1.0, "all", method)
        np.testing.assert_allclose(projected[valid], states.latents("all", method)[valid], atol=1e-4)
        rebuilt = states.rebuild(projected, "all", method)
        assert rebuilt.shape == counts.shape
        assert np.corrcoef(rebuilt[valid].ravel(), np.sqrt(counts[valid]).ravel())[0, 1] > 0.8
    with pytest.raises(ConfigError, match=r"pca of VISp(?s:.*)fa of all, pca of all"):
        states.latents("VISp", "pca")
    with pytest.raises(ConfigError, match=r"the model fa of all has 11 units"):
        states.project(np.zeros((3, 2)), 1.0)
    with pytest.raises(ConfigError, match=r"'halves'(?s:.*)continuous-1s, stim-halves-500ms"):
        session.window_embeddings("halves")


def test_the_lines_of_the_page_run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo").symlink_to(home)
    monkeypatch.chdir(tmp_path)
    page = Path(nh_platform.__file__).parents[1] / "docs" / "embeddings.md"
    (section,) = re.findall(r"^## Population\n(.*?)(?=^## |\Z)", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL):
        exec(compile(block, "embeddings.md", "exec"), names)
    valid = np.isfinite(names["latents"]).all(axis=1)
    np.testing.assert_allclose(names["projected"][valid], names["latents"][valid], atol=1e-4)
    assert names["rates"].shape == names["counts"].shape


def test_what_is_not_there_is_said_with_what_to_do(home: Path, session_id: str, tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        return " ".join(nh(home, "embed", "population", "allen_vc", session_id, *arguments, code=1).stderr.split())

    assert "Use pca or fa." in said("--method", "umap")
    assert "the models of allen_vc session" in said("--region", "V1")
    assert "the windows of this session were made with continuous-1s, stim-halves-500ms" in said("--preset", "poyo-1s")
    settings = (home / "sources.yaml").read_text()
    bare = make_home(tmp_path / "bare", ["allen_vc"])
    assert "also_assets" in settings
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(bare, instance, "allen_vc", assets=["raw_spikes", "events", "windows"])
    refused = nh(tmp_path / "bare", "embed", "population", "allen_vc", session_id, code=1).stderr
    assert "as in `also_assets: [window_embeddings]`" in " ".join(refused.split())


def test_windows_without_a_preset_are_named(home: Path, session_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionView, "window_presets", ())
    with pytest.raises(ConfigError, match=rf"allen_vc session {session_id}: its windows were made without a preset"):
        operations.describe_population(home, "allen_vc", session_id)


def test_the_operation_returns_fits_and_notes(home: Path, session_id: str) -> None:
    found = operations.describe_population(home, "allen_vc", session_id, region="all")
    assert set(found.fits["preset"]) == {"continuous-1s", "stim-halves-500ms"}
    assert len(found.fits) == 4
    assert any("regions" in note for note in found.notes)
    assert (found.folder / "population_units.parquet").is_file()
