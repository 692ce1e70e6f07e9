"""A lab's own source, as docs/add-a-source.md says it: one folder, one rulebook, one entry, nothing else changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.home.platform import Platform
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.sources import registry
from nh_platform.sources.registry import source_entry, source_names
from nh_platform_tests.lab_packages import install, on_the_path

HERE = Path(__file__).parent
TOY = HERE / "toy_lab"
PACKAGE = Path(registry.__file__).parents[1]

AS_A_PERSON = """
import json, sys
from typer.testing import CliRunner
from nh_platform.cli.app import app
from nh_platform.definitions import defs

printed = []
for command in json.loads(sys.argv[1]):
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, (command, result.output, result.stderr, result.exception)
    printed.append(result.output)
graph = defs.resolve_asset_graph()
keys = sorted(key.to_user_string() for key in graph.get_all_asset_keys() if key.path[0] == "toy")
own = [check for check in graph.asset_check_keys if check.asset_key.path[0] == "toy"]
checks = sorted(f"{check.asset_key.to_user_string()}:{check.name}" for check in own)
print(json.dumps({"printed": printed, "assets": keys, "checks": checks}))
"""
"""What a person does, in a process of its own: the entry point is found when the platform is imported."""


def _record(folder: Path, seed: int) -> None:
    """Write one session of the lab: 6 clusters for 120 s, the last one silent."""
    rng = np.random.default_rng(seed)
    probe = folder / "alf" / "probe00"
    probe.mkdir(parents=True)
    clusters = rng.integers(0, 5, 6000)
    times = np.sort(rng.uniform(0, 120, len(clusters)))
    times[clusters == 4] *= 0.25  # fires in the first quarter only
    order = np.argsort(times)
    np.save(probe / "spikes.times.npy", times[order])
    np.save(probe / "spikes.clusters.npy", clusters[order])
    np.save(probe / "spikes.amps.npy", rng.normal(1e-4, 1e-5, len(clusters)))
    np.save(probe / "clusters.depths.npy", np.linspace(100, 3000, 6))
    np.save(probe / "clusters.label.npy", np.array([1.0, 1, 1, 0, 1, 0]))
    np.save(folder / "alf" / "licks.times.npy", np.sort(rng.uniform(0, 120, 50)))
    starts = np.arange(5.0, 110.0, 5.0)
    flashes = pd.DataFrame({"start_time": starts, "stop_time": starts + 0.25, "color": np.where(starts % 2, 1.0, -1.0)})
    flashes.to_csv(folder / "alf" / "flashes.table.csv", index=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """Return the home of a person who installed the lab's package, and what their commands printed."""
    folder = tmp_path_factory.mktemp("toy")
    home = folder / "home"
    for number, name in enumerate(("mouse1_2026-01-02", "mouse2_2026-01-03")):
        _record(home / "upstream" / "toy" / name, seed=number)
    commands = [
        ["--home", str(home), "sync", "toy"],
        ["--home", str(home), "materialize", "toy", "--all"],
        ["--home", str(home), "materialize", "toy", "--missing"],
        ["--home", str(home), "sessions", "--source", "toy", "--ids"],
    ]
    path = os.pathsep.join([str(install(folder / "site", {"toy": "toy_lab.entry:ENTRY"})), str(HERE)])
    done = subprocess.run(
        [sys.executable, "-c", AS_A_PERSON, json.dumps(commands)],
        env={**os.environ, "PYTHONPATH": path, "NH_HOME": str(home), "DAGSTER_HOME": "", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, list[str]] = json.loads(done.stdout.strip().splitlines()[-1])
    return home, answer


@pytest.fixture
def platform(served: tuple[Path, dict[str, list[str]]]) -> Iterator[Platform]:
    from nh_platform.home.settings import load_settings

    with on_the_path(served[0].parent / "site", HERE):
        yield Platform(load_settings(served[0]))


def test_the_commands_serve_the_source(served: tuple[Path, dict[str, list[str]]]) -> None:
    synced, made, again, ids = served[1]["printed"]
    assert "toy: 2 sessions, 2 insertions, 14 files" in synced
    assert f"2 sessions, {2 * len(session_assets('ibl'))} assets materialized" in made
    assert "nothing to do" in again
    assert sorted(ids.split()) == ["mouse1_2026-01-02", "mouse2_2026-01-03"]


def test_dagster_shows_all_assets_and_the_labs_own_rules_as_checks(served: tuple[Path, dict[str, list[str]]]) -> None:
    assert {f"toy/{asset}" for asset in ("release_manifest", *session_assets("ibl"))} <= set(served[1]["assets"])
    checks = set(served[1]["checks"])
    assert {f"toy/units:toy_lab__{rule}" for rule in ("presence_ratio", "firing_rate")} <= checks
    assert {"toy/units:units_usable", "toy/release_manifest:no_partitions_left_failed"} <= checks


def test_every_asset_is_in_the_store_and_the_rules_decided(platform: Platform) -> None:
    from nh_platform.reading import open_store

    session = "mouse1_2026-01-02"
    for asset in session_assets("ibl"):
        assert platform.store.folder("toy", session, asset).is_dir()
    units = pd.read_parquet(platform.store.folder("toy", session, "units") / "units.parquet").set_index("cluster_id")
    assert units["pass.toy-lab"].tolist() == [True, True, True, True, False, False]
    assert "presence_ratio" in units.loc[4, "reason.toy-lab"]
    assert units["released.label"].tolist() == [1, 1, 1, 0, 1, 0]
    assert "pass.nh-common" in units
    view = open_store(platform.settings.home / "store").session("toy", session)
    assert len(view.events["presentations"]) == 21
    assert set(view.events["licks"]) == {"times"}


def test_a_change_upstream_concerns_only_what_reads_it(platform: Platform, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "upstream"
    shutil.copytree(platform.settings.home / "upstream" / "toy", root)
    source = source_entry("toy").open({"root": str(root)}, tmp_path)
    before, signal = source.manifest(), source.signal()
    label = root / "mouse1_2026-01-02" / "alf" / "probe00" / "clusters.label.npy"
    np.save(label, np.zeros(6))
    assert source.signal() != signal
    after = source.manifest()
    groups = ("spikes", "behavior", "alignment", "qc")
    moved = {
        (session, group)
        for session in before.session_ids
        for group in groups
        if before.session(session).version(group) != after.session(session).version(group)
    }
    assert moved == {("mouse1_2026-01-02", "qc")}


def test_nothing_outside_the_folder_the_rulebook_and_the_entry_knows_of_it() -> None:
    assert {path.name for path in TOY.iterdir() if path.is_file()} == {
        "__init__.py",
        "entry.py",
        "source.py",
        "toy-lab.yaml",
    }
    assert "toy" not in source_names()
    for path in PACKAGE.rglob("*"):
        if path.suffix in (".py", ".yaml"):
            assert "toy_lab" not in path.read_text(encoding="utf-8"), path
    assert load_rulebook(TOY / "toy-lab.yaml").sources == ["toy"]
