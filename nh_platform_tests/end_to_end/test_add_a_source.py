"""A lab's own source, as docs/add-a-source.md says it: one folder, one rulebook, one entry, nothing else changed."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.defs.metadata import published_metadata
from nh_platform.home.platform import Platform
from nh_platform.planning.making import make_session_asset
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.sources import registry
from nh_platform.sources.registry import source_entry, source_names
from nh_platform_tests.lab_packages import install, on_the_path

HERE = Path(__file__).parent
TOY = HERE / "toy_lab"
PAGE = HERE.parents[1] / "docs" / "add-a-source.md"
PACKAGE = Path(registry.__file__).parents[1]

AS_A_PERSON = """
import json, sys
from pathlib import Path
from typer.testing import CliRunner
from nh_platform.cli.app import app
from nh_platform.definitions import defs

printed = []
for command in json.loads(sys.argv[1]):
    if command[0] == "write":
        Path(command[1]).write_text(command[2])
        continue
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

OWN_PRESETS = {
    "flash": "event: stimulus onset, bin_us: 10_000, filters: [{column: color, minimum: 0}]",
    "movement": "event: first movement, bin_us: 20_000",
}
MADE, REMADE = "mouse1_2026-01-02", "mouse2_2026-01-03"


def _blocks(language: str) -> list[str]:
    """Return the blocks of the page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def _written_by_the_page(folder: Path) -> Path:
    """Install the package as the page says: the toy lab's reader and rulebook, the page's own entry and entry point."""
    (entry,) = _blocks("python")
    shutil.copytree(TOY, folder / "toy_lab", ignore=shutil.ignore_patterns("entry.py", "__pycache__"))
    (folder / "toy_lab" / "entry.py").write_text(entry)
    (points,) = tomllib.loads(*_blocks("toml"))["project"]["entry-points"].values()
    return install(folder, {"toy": points["toy"]})


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
    for number, name in enumerate((MADE, REMADE)):
        _record(home / "upstream" / "toy" / name, seed=number)
    tried = [line.replace("SESSION", MADE) for line in _blocks("bash")[-1].splitlines() if " nh ui" not in line]
    commands = [shlex.split(line, comments=True)[3:] for line in tried]
    commands += [["materialize", "toy", "--all"], ["materialize", "toy", "--missing"]]
    commands += [["sessions", "--source", "toy", "--ids"]]
    (home / "presets").mkdir()
    for name, text in OWN_PRESETS.items():
        stated = f"id: {name}, version: 1, kind: aligned, start_us: 0, stop_us: 100_000, description: d, why: w, {text}"
        (home / "presets" / f"{name}.yaml").write_text(f"{{{stated}}}")
    own = ", ".join(f"presets/{name}.yaml" for name in OWN_PRESETS)
    commands += [["write", str(home / "sources.yaml"), f"toy:\n  presets: [continuous-1s, {own}]\n"]]
    commands += [["materialize", "toy", "--missing", "--dry-run"]]
    commands += [["materialize", "toy", REMADE, "--asset", "windows"], ["show", "toy", REMADE]]
    site = _written_by_the_page(folder / "site")
    done = subprocess.run(
        [sys.executable, "-c", AS_A_PERSON, json.dumps(commands)],
        env={
            **os.environ,
            "PYTHONPATH": str(site),
            "NH_HOME": str(home),
            "DAGSTER_HOME": "",
            "PYTHONWARNINGS": "ignore",
        },
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

    with on_the_path(served[0].parent / "site"):
        yield Platform(load_settings(served[0]))


def test_the_commands_serve_the_source(served: tuple[Path, dict[str, list[str]]]) -> None:
    synced, made, shown, all_made, again, ids, stale, remade, _ = served[1]["printed"]
    assert "toy: 2 sessions, 2 insertions, 14 files" in synced
    assert f"1 session, {len(session_assets('ibl'))} assets materialized" in made
    assert "note, raw_spikes: spike depths: the toy lab has none; NaN" in shown
    assert "note, windows" not in shown
    assert f"2 sessions, {2 * len(session_assets('ibl'))} assets materialized" in all_made
    assert "nothing to do" in again
    assert sorted(ids.split()) == [MADE, REMADE]
    assert stale.splitlines()[:2] == [
        f"toy {name}: windows, unit_embeddings, session_report" for name in (MADE, REMADE)
    ]
    assert "1 session, 1 asset materialized" in remade


def test_the_page_states_the_entry_of_the_toy_lab() -> None:
    pages, labs = (ast.parse(text).body[-1] for text in (*_blocks("python"), (TOY / "entry.py").read_text()))
    assert ast.dump(pages) == ast.dump(labs)


def test_dagster_shows_all_assets_and_the_labs_own_rules_as_checks(served: tuple[Path, dict[str, list[str]]]) -> None:
    assert {f"toy/{asset}" for asset in ("release_manifest", *session_assets("ibl"))} <= set(served[1]["assets"])
    checks = set(served[1]["checks"])
    assert {f"toy/units:{rule}" for rule in ("presence_ratio", "firing_rate")} <= checks
    assert {"toy/raw_spikes:units_usable", "toy/release_manifest:no_partitions_left_failed"} <= checks


def test_every_asset_is_in_the_store_and_the_rules_decided(platform: Platform) -> None:
    from nh_platform.reading import open_store

    session = MADE
    for asset in session_assets("ibl"):
        assert platform.store.folder("toy", session, asset).is_dir()
    units = pd.read_parquet(platform.store.folder("toy", session, "units") / "units.parquet").set_index("cluster_id")
    assert units["pass.toy-lab"].tolist() == [True, True, True, True, False, False]
    assert "presence_ratio" in units.loc[4, "reason.toy-lab"]
    assert units["released.label"].tolist() == [1, 1, 1, 0, 1, 0]
    assert "pass.nh-common" in units
    view = open_store(platform.settings.home).session("toy", session)
    assert len(view.events["presentations"]) == 21
    assert set(view.events["licks"]) == {"times"}


def test_windows_lie_around_the_flashes_that_the_lab_states(platform: Platform) -> None:
    from nh_platform.reading import open_store

    view = open_store(platform.settings.home).session("toy", MADE).windows("stim-halves-500ms")
    onsets = np.arange(5.0, 110.0, 5.0)
    assert view.index["event_time"].tolist() == onsets.tolist()
    assert view.index["alignment"].unique().tolist() == ["presentations.start_time"]
    probe = platform.settings.home / "upstream" / "toy" / MADE / "alf" / "probe00"
    times, clusters = np.load(probe / "spikes.times.npy"), np.load(probe / "spikes.clusters.npy")
    for cluster, unit in enumerate(view.unit_ids):
        assert unit == f"probe00_{cluster}"
        own = times[clusters == cluster]
        inside = [int(((own >= onset - 0.5) & (own < onset + 0.5)).sum()) for onset in onsets]
        assert view.counts[:, cluster].sum(axis=1, dtype=int).tolist() == inside
    assert view.counts.sum(dtype=int) > 0


def test_presets_of_your_own_are_made_and_one_that_does_not_suit_is_a_note(
    platform: Platform, served: tuple[Path, dict[str, list[str]]]
) -> None:
    from nh_platform.reading import open_store

    session = open_store(platform.settings.home).session("toy", REMADE)
    flash = session.windows("flash")
    assert flash.index["event_time"].tolist() == np.arange(5.0, 110.0, 10.0).tolist()  # the white ones
    assert flash.counts.shape == (11, 6, 10)
    assert len(session.windows("continuous-1s")) > 100
    assert len(session.windows("movement")) == 0
    why = "movement: no windows: toy states no event 'first movement'; it states lick, stimulus onset"
    notes = ["flash: 10 of 21 presentations are left out by its filters", why]
    assert session.provenance("windows").left_out == notes
    assert f"note, windows: {why}" in " ".join(served[1]["printed"][-1].split())
    made = make_session_asset(platform, "toy", REMADE, "windows")
    shown = published_metadata(made.result, made.folder)
    assert shown["notes"].value == "\n".join(f"- {note}" for note in notes)
    assert [(one["preset"], one["windows"]) for one in _rows(shown["windows"])][1:] == [("flash", 11), ("movement", 0)]
    own = session.provenance("windows").parameters["presets"]
    assert [part.partition("=")[0] for part in own.split(";")] == ["continuous-1s", "flash", "movement"]


def _rows(table: dg.MetadataValue) -> list[dict[str, object]]:
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


def test_a_change_upstream_concerns_only_what_reads_it(platform: Platform, tmp_path: Path) -> None:
    root = tmp_path / "upstream"
    shutil.copytree(platform.settings.home / "upstream" / "toy", root)
    source = source_entry("toy").open({"root": str(root)}, tmp_path)
    before, signal = source.manifest(), source.signal()
    label = root / MADE / "alf" / "probe00" / "clusters.label.npy"
    np.save(label, np.zeros(6))
    assert source.signal() != signal
    after = source.manifest()
    groups = ("spikes", "events", "signals", "alignment", "qc")
    moved = {
        (session, group)
        for session in before.session_ids
        for group in groups
        if before.session(session).version(group) != after.session(session).version(group)
    }
    assert moved == {(MADE, "qc")}


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
