"""The hands-on pages of docs/examples run on the demo, and their notebooks are those of the pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nh_platform_tests.end_to_end.example_pages import run_page
from nh_platform_tests.example_notebooks import INSTALLS, NOTEBOOKS, PAGES, main, notebook_of

Ran = tuple[dict[str, Any], dict[str, str]]


@pytest.fixture
def run(made_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo").symlink_to(made_demo)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", "")
    return run_page


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_hands_on_page_finds_reads_and_draws(run: Any) -> None:
    names, printed = run("ibl-hands-on")
    assert len(names["in_lab"]) == len(names["of_subject"]) == len(names["since_march"]) == 1
    psychometric = names["psychometric"]["mean"]
    assert psychometric.iloc[0] < 0.1 < 0.9 < psychometric.iloc[-1]
    assert 150 < names["reaction_ms"].median() < 400
    before, after = (names["psths"]["left, correct"].rate[:, part].mean() for part in (slice(0, 15), slice(16, 25)))
    assert after > before
    assert (names["per_region"]["size"].sum(), names["per_region"]["median"].min() > 0) == (names["good"].sum(), True)
    assert any("qc explain" in line for line in printed)
    assert all(text.strip() for text in printed.values())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_visual_behavior_page_walks_from_releases_to_responses(run: Any) -> None:
    names, printed = run("visual-behavior")
    assert names["counts"]["sessions"] == 2
    assert names["outcomes"]["hit"] > 0
    after = names["change"].bin_centers > 0.05
    assert names["change"].rate[:, after].mean() > names["change"].rate[:, ~after].mean()
    around = (names["time"] > 0.2) & (names["time"] < 1)
    assert names["lick_rate"][:, around].mean() > 10 * names["lick_rate"][:, names["time"] < 0].mean()
    abnormal = {len(text.splitlines()) for line, text in printed.items() if " sessions " in line}
    assert len(abnormal) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_page_of_the_stimulus_files_draws_psths_and_fits_decays(run: Any) -> None:
    names, _ = run("stimulus-hdf5")
    assert len(names["areas"]) > 3
    assert all(np.isfinite(rate).all() for rate in names["rates"].values())
    decays = names["decays"]
    assert len(decays) > 3
    assert decays["tau_s"].between(0.01, 2).all()
    assert len(names["kept"]) > 0


def test_notebooks_are_those_of_their_pages() -> None:
    assert main(["--check"]) == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_notebook_begins_with_its_title_then_installs_by_pip_and_makes_the_demo_it_reads(name: str) -> None:
    stated = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert (stated["nbformat"], stated["cells"][0]["cell_type"]) == (4, "markdown")
    first = "".join(stated["cells"][1]["source"])
    assert "%pip install" in first
    assert ("!nh demo" in first) == any("data/demo" in "".join(cell["source"]) for cell in stated["cells"][2:])
    assert stated["cells"][1]["metadata"] == {"tags": [INSTALLS]}
    code = ["".join(cell["source"]) for cell in stated["cells"] if cell["cell_type"] == "code"]
    assert not any("uv run" in cell for cell in code)
    for cell in code[1:]:
        if not cell.startswith("!"):
            compile(cell, name, "exec")
    assert notebook_of(name) == notebook_of(name)
