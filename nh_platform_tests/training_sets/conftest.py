"""A home of three simulated IBL sessions and one of Visual Coding, made once, from which training sets are built."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.training_sets.recipe import FOLDER
from nh_platform_tests.homes import make_home, materialize

RECIPE = """\
id: tiny
description: Three sessions, divided in time.
sources:
  ibl: {units: all}
split:
  by: causal
  gap_s: 2
"""


@pytest.fixture(scope="package")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home whose sessions are made; tests change copies of it."""
    folder = tmp_path_factory.mktemp("training") / "home"
    make_home(folder, ("ibl", "allen_vc"), n_sessions=3)
    text = (folder / "sources.yaml").read_text(encoding="utf-8")
    lines = [f"{line}\n  also_assets: [spike_events]" if "read:" in line else line for line in text.splitlines()]
    (folder / "sources.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    platform = Platform(load_settings(folder))
    with dg.DagsterInstance.ephemeral() as instance:
        for source, assets in (("ibl", ()), ("allen_vc", ())):
            outcomes = materialize(platform, instance, source, assets=assets)
            assert all(one.success for one in outcomes), [one.errors for one in outcomes]
    return folder


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Path:
    """Copy of the home, with the recipe ``tiny``."""
    folder = tmp_path / "home"
    shutil.copytree(made_home, folder)
    write_recipe(folder, RECIPE)
    return folder


@pytest.fixture(scope="package")
def shared_home(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy of the home for tests that store nothing."""
    folder = tmp_path_factory.mktemp("shared") / "home"
    shutil.copytree(made_home, folder)
    write_recipe(folder, RECIPE)
    return folder


def write_recipe(home: Path, text: str) -> Path:
    """Write a recipe into a home under the id that it states."""
    set_id = text.split("id: ", 1)[1].split("\n", 1)[0]
    path = home / FOLDER / f"{set_id}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="package")
def platform(shared_home: Path) -> Platform:
    return Platform(load_settings(shared_home))
