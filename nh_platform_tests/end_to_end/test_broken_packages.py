"""Packages of labs that cannot be used, each in its own way: they are named, and everything else goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nh_platform_tests.homes import make_home
from nh_platform_tests.lab_packages import install

pytestmark = pytest.mark.slow

ENTRY = """
from nh_platform.sources.entry import SourceEntry

def fail(*asked):
    raise KeyError("door")

ENTRY = SourceEntry(
    name="{name}", title="T", description="D", open=fail, servers=fail, rulebook="{rulebook}", also_rulebooks=(),
    presets=(), upstream_format="alf",
)
"""
BROKEN = {
    "importing": "import no_such_module\n",
    "misspelt": "ENTRY = (\n",
    "number": "ENTRY = 3\n",
    "shut": ENTRY.format(name="shut", rulebook="nh-common"),
    "taken": ENTRY.format(name="ibl", rulebook="nh-common"),
    "unruled": ENTRY.format(name="unruled", rulebook="/nowhere/rules.yaml"),
}
"""Module of the entry by the name of its source."""

NOT_LOADED = {
    "importing": "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'",
    "misspelt": "cannot be loaded: SyntaxError: '(' was never closed (misspelt_entry.py, line 1)",
    "number": "cannot be used: number_entry:ENTRY is of type int and no SourceEntry",
    "taken": "cannot be used: the name 'ibl' is taken already, by nh-platform",
}
"""What is said of those that are not served at all."""

WARNINGS = [f"warning: source {n} of package {n}-lab {text}; the others go on" for n, text in NOT_LOADED.items()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a package for every way of being broken."""
    folder = tmp_path_factory.mktemp("site")
    for name, text in BROKEN.items():
        (folder / f"{name}_entry.py").write_text(text)
        install(folder, {name: f"{name}_entry:ENTRY"}, f"{name}-lab")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"), ("ibl",), n_sessions=1).settings.home


def run(site: Path, home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "NH_HOME": str(home), "DAGSTER_HOME": ""}
    return subprocess.run(
        [sys.executable, "-W", "ignore", *command], env=environment, capture_output=True, text=True, check=False
    )


def nh(site: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(site, home, "-m", "nh_platform.cli", *arguments)


def warnings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("warning: ")]


def test_the_commands_go_on_and_name_each_package_once(site: Path, home: Path) -> None:
    synced = nh(site, home, "sync", "ibl")
    assert synced.returncode == 0, synced.stderr
    assert "ibl: 1 session" in synced.stdout
    assert warnings(synced.stderr) == WARNINGS
    status = nh(site, home, "status", "--format", "json")
    assert status.returncode == 0, status.stderr
    rows = {row["source"]: row for row in json.loads(status.stdout)}
    assert list(rows) == ["ibl", "allen_vc", "allen_vbn", "shut", "unruled"]
    assert rows["ibl"]["sessions"] == 1
    assert rows["shut"]["release"] == "never synced: nh sync shut"
    assert warnings(status.stderr) == WARNINGS
    releases = nh(site, home, "releases", "list")
    assert releases.returncode == 0, releases.stderr
    assert "1 snapshot" in releases.stdout
    shut = "it cannot be opened: KeyError: 'door'; the others go on"
    not_opened = [f"warning: source {name} of package {name}-lab {shut}" for name in ("shut", "unruled")]
    assert warnings(releases.stderr) == [*WARNINGS, *not_opened]


def test_the_doctor_lists_them(site: Path, home: Path) -> None:
    done = nh(site, home, "doctor", "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = [(row["about"], row["state"], row["found"]) for row in json.loads(done.stdout)]
    for name, text in NOT_LOADED.items():
        assert (f"source {name} of package {name}-lab", "info", f"{text}. Correct or uninstall the package.") in rows
    (servers,) = [row for row in rows if row[0] == "source shut of package shut-lab"]
    assert servers[2].startswith("its servers cannot be told: KeyError: 'door'.")
    assert "source ibl" in [row[0] for row in rows]


def test_the_code_location_serves_the_others_and_says_so_in_its_log(site: Path, home: Path) -> None:
    script = (
        "from nh_platform.definitions import defs\n"
        "print(sorted({key.path[0] for key in defs.resolve_all_asset_keys()}))"
    )
    done = run(site, home, "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['allen_vbn', 'allen_vc', 'ibl', 'shut', 'training_set']"
    for name, text in NOT_LOADED.items():
        assert f"source {name} of package {name}-lab {text}; the others go on" in done.stderr
    assert "source unruled of package unruled-lab is left out: " in done.stderr
    assert "/nowhere/rules.yaml" in done.stderr


def test_what_is_asked_of_a_broken_source_names_its_package(site: Path, home: Path) -> None:
    loaded = nh(site, home, "sync", "importing")
    assert loaded.returncode == 1
    assert "error source importing of package importing-lab: cannot be loaded: ModuleNotFoundError" in loaded.stderr
    opened = nh(site, home, "sync", "shut")
    assert opened.returncode == 1
    assert "error source shut of package shut-lab: it cannot be opened: KeyError: 'door'" in opened.stderr
    assert "Traceback" not in opened.stderr


def test_a_home_that_names_a_broken_source_says_which_line_and_package(site: Path, tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("ibl:\nmisspelt:\n  read: {root: upstream/toy}\n")
    done = nh(site, tmp_path, "status")
    assert done.returncode == 1
    assert f"error {tmp_path / 'sources.yaml'}:2, misspelt: source misspelt of package misspelt-lab" in done.stderr
    assert "SyntaxError" in done.stderr
    assert "Correct or uninstall the package." in done.stderr


def test_help_loads_no_entry_point(site: Path, home: Path) -> None:
    for command in (("--help",), ("sync", "--help")):
        done = nh(site, home, *command)
        assert done.returncode == 0
        assert done.stderr == ""
