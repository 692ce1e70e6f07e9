"""Recordings of your own beside the released ones: declared in sources.yaml, no code, the same assets and checks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import open_store
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.simulation import TINY, write_ibl
from nh_platform.sources.registry import source_entry
from nh_platform_tests.sources.own.lab_files import ONSETS, LabSession, write_nwb, write_phy

PAGE = Path(__file__).parents[2] / "docs" / "own-data.md"
OWN = ("mylab", "sorted", "tree")
ASSETS = list(session_assets("ibl"))

AS_A_PERSON = """
import json, sys
from typer.testing import CliRunner
from nh_platform.cli.app import app
from nh_platform.definitions import defs

printed = []
for command in json.loads(sys.argv[1]):
    result = CliRunner().invoke(app, command)
    printed.append([result.exit_code, result.output + result.stderr])
    assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
graph = defs.resolve_asset_graph()
keys = sorted(key.to_user_string() for key in graph.get_all_asset_keys())
checks = sorted(f"{check.asset_key.to_user_string()}:{check.name}" for check in graph.asset_check_keys)
print(json.dumps({"printed": printed, "assets": keys, "checks": checks}))
"""
"""What a person does, in a process of its own: the home of the environment says which sources there are."""

DECLARED = """
mylab:
  kind: nwb
  read:
    files: rec/*.nwb
    events: {stimulus onset: trials.stim_on}
sorted:
  kind: phy
  read:
    folders: sorted/*
    volts_per_amplitude: 1.0e-5
    events: {stimulus onset: trials.start_time}
tree:
  kind: alf
  read: {root: alf}
"""
COMMANDS = (
    *((command, source, *rest) for source in OWN for command, *rest in (["sync"], ["materialize", "--all"])),
    *((command, source, *rest) for source in OWN for command, *rest in (["sync"], ["materialize", "--missing"])),
    ("sessions", "--format", "csv"),
    ("status",),
    ("show", "mylab", "day1"),
    ("inventory", "sorted"),
    ("qc", "explain", "mylab", "day1", "100"),
    ("releases", "list", "tree"),
    ("doctor", "--offline"),
    ("verify", "mylab"),
    ("export", "stimulus", "flashes", "VISp", "out", "--source", "mylab"),
    ("sync", "mylba"),
)


def as_a_person(home: Path, commands: Sequence[tuple[str, ...]]) -> dict[str, list]:
    done = subprocess.run(
        [sys.executable, "-c", AS_A_PERSON, json.dumps(commands)],
        env={**os.environ, "NH_HOME": str(home), "DAGSTER_HOME": "", "PYTHONWARNINGS": "ignore", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, list] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def lab_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list]]:
    """Return the home of a person who declared three sources, and what their commands printed."""
    home = tmp_path_factory.mktemp("own")
    for number, name in enumerate(("day1", "day2")):
        write_nwb(home / "rec" / f"{name}.nwb", LabSession(number))
    write_phy(home / "sorted" / "mouse7_2026-03-04", LabSession(0))
    write_ibl(home / "alf", 1, 7, size=TINY)
    for path in home.glob("alf/*.pqt"):
        path.unlink()
    (home / "sources.yaml").write_text(DECLARED)
    return home, as_a_person(home, COMMANDS)


def test_the_page_declares_sources_that_can_be_used(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    declared = [block for block in blocks if "kind:" in block]
    (tmp_path / "sources.yaml").write_text("".join(declared))
    entries = Platform(load_settings(tmp_path)).entries
    assert [name for name in OWN if name in entries] == list(OWN)
    assert [entry.upstream_format for name, entry in entries.items() if name in OWN] == ["nwb", "phy", "alf"]
    (events,) = [block for block in blocks if block not in declared]
    (tmp_path / "sources.yaml").write_text(f"mylab:\n  kind: nwb\n{events}    files: a.nwb\n")
    assert load_settings(tmp_path).entry("mylab").events["tone"].filters[0].include == ("tone",)


def _printed(answer: dict[str, list]) -> list[tuple[tuple[str, ...], int, str]]:
    return [(command, code, " ".join(text.split())) for command, (code, text) in zip(COMMANDS, answer["printed"])]


def test_every_command_serves_the_sources(lab_home: tuple[Path, dict[str, list]]) -> None:
    printed = _printed(lab_home[1])
    refused = {
        ("export", "stimulus", "flashes", "VISp", "out", "--source", "mylab"): "it has no stimulus tensors",
        ("sync", "mylba"): "mylab, sorted, tree",
    }
    for command, code, text in printed:
        if command in refused:
            assert (code, refused[command] in text) == (1, True), text
        elif command[0] not in ("doctor", "inventory"):
            assert code == 0, (command, text)
    text = {command: found for command, _, found in printed}
    made = [found for command, _, found in printed if command[0] == "materialize"]
    for number, found in zip((2, 1, 1), made):
        assert f"{counted(number, 'session')}, {number * len(ASSETS)} assets materialized" in found
    assert "mylab: 2 sessions, 4 insertions, 2 files" in text["sync", "mylab"]
    assert "mylab,day1,mouse7" in text["sessions", "--format", "csv"]
    assert all(source in text["status",] for source in OWN)


def test_a_second_sync_makes_nothing_again(lab_home: tuple[Path, dict[str, list]]) -> None:
    again = [found for command, _, found in _printed(lab_home[1]) if command[0] == "materialize"][len(OWN) :]
    assert len(again) == len(OWN)
    assert all("nothing to do" in found for found in again), again


def test_dagster_has_the_same_assets_and_checks_as_of_other_sources(lab_home: tuple[Path, dict[str, list]]) -> None:
    served = lab_home[1]
    of = {
        source: {key.partition("/")[2] for key in served["assets"] if key.startswith(f"{source}/")}
        for source in ("ibl", *OWN)
    }
    assert all(of[source] == of["ibl"] for source in OWN)
    for source in OWN:
        checks = {check.removeprefix(f"{source}/") for check in served["checks"] if check.startswith(f"{source}/")}
        assert {"raw_spikes:units_usable", "units:presence_ratio", "units:max_confidence"} <= checks


def test_units_windows_and_embeddings_hold_what_the_lab_recorded(lab_home: tuple[Path, dict[str, list]]) -> None:
    store, lab = open_store(lab_home[0]), LabSession(0)
    of_nwb, of_phy = store.session("mylab", "day1"), store.session("sorted", "mouse7_2026-03-04")
    assert of_nwb.units["unit_id"].tolist() == [str(100 + number) for number in range(8)]
    assert of_nwb.units["released.snr"].tolist() == [2.0, 3.0, 4.0, 5.0] * 2
    assert of_phy.units["released.group"].tolist() == ["good", "mua", "noise", None] * 2
    assert of_phy.trials["repeat"].tolist() == [number // 4 for number in range(len(ONSETS))]
    assert of_nwb.trials["orientation"].tolist() == of_phy.trials["orientation"].tolist()
    # The same spikes by two ways: phy's are rounded to samples, which moves none across 33 us.
    metrics = [name for name in of_nwb.units if "@" in name]
    assert len(metrics) > 10
    for name in ("ibl.firing_rate@2022-10", "allen.presence_ratio@2019", "allen.amplitude_cutoff@2019"):
        assert np.allclose(of_nwb.units[name], of_phy.units[name], rtol=1e-3, equal_nan=True), name
    assert of_nwb.units["pass.nh-common"].tolist() == of_phy.units["pass.nh-common"].tolist()
    for view in (of_nwb, of_phy):
        windows = view.windows("stim-halves-500ms")
        assert windows.index["event_time"].tolist() == ONSETS.tolist()
        valid = windows.index["valid"].to_numpy()
        for row, (probe, unit) in enumerate((probe, unit) for probe in lab.probes for unit in range(4)):
            times = lab.times[probe][unit]
            inside = np.array([((times >= onset - 0.5) & (times < onset + 0.5)).sum() for onset in ONSETS])
            assert windows.counts[:, row].sum(axis=1, dtype=int)[valid].tolist() == inside[valid].tolist()
        assert len(view.embeddings) == 8
    assert len(store.units("mylab", ["unit_id", "acronym", "pass.nh-common"])) == 16
    (session_id,) = store.sessions("tree")["session_id"]
    tree = store.session("tree", session_id)
    assert len(tree.windows("stim-halves-500ms")) > 0
    assert tree.trials["choice"].isin([-1, 0, 1]).all()


def test_events_are_those_that_sources_yaml_names(lab_home: tuple[Path, dict[str, list]]) -> None:
    store = open_store(lab_home[0])
    for source, session_id in (("mylab", "day1"), ("sorted", "mouse7_2026-03-04")):
        session = store.session(source, session_id)
        assert session.events.names == ("trial start", "stimulus onset")
        onset = session.events("stimulus onset")
        assert onset.times.tolist() == session.trials["stimulus_onset"].tolist() == ONSETS.tolist()
        assert session.trials["reward_time"].isna().all()
        assert session.psth(units=[session.units["unit_id"].iloc[2]]).rate.shape == (1, 50)
        with pytest.raises(ConfigError, match=r"no such event. Use one of trial start, stimulus onset"):
            session.events("lick")
    day1 = store.session("mylab", "day1")
    assert day1.spikes_of(102).tolist() == day1.spikes_of("102").tolist() == day1.spikes_of(2).tolist()
    tree = store.session("tree", store.sessions("tree")["session_id"].iloc[0])
    assert set(source_entry("ibl").events) == {*tree.events.names, "lick"}
    rewarded = tree.trials["feedbackType"] > 0
    assert tree.trials.loc[rewarded, "reward_time"].equals(tree.trials.loc[rewarded, "feedback_times"])
    assert tree.trials.loc[~rewarded, "reward_time"].isna().all()
    assert tree.trials["correct"].isin([0, 1]).all()


def test_a_changed_file_is_a_new_release_that_makes_its_session_alone(lab_home: tuple[Path, dict[str, list]]) -> None:
    home = lab_home[0]
    with h5py.File(home / "rec" / "day2.nwb", "a") as handle:
        handle["units/snr"][0] = 9.0
    commands = (("sync", "mylab"), ("materialize", "mylab", "--missing", "--dry-run"), ("releases", "list", "mylab"))
    answer = as_a_person(home, commands)
    stale = answer["printed"][1][1]
    assert "mylab day2:" in stale
    assert "day1" not in stale
    assert "2 snapshots" in answer["printed"][2][1]
