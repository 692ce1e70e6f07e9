"""Spikes stored wrongly, a chain that lacks an asset, changes not found and words not said get no figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.harness.comparison import Differs
from benchmarks.harness.homes import SOURCE, new_home, upstream
from benchmarks.jobs import releases as release_jobs
from benchmarks.jobs import stored_spikes as jobs
from benchmarks.rows import releases, running, stored
from nh_platform.planning.making import make_session_asset
from nh_platform.store.codecs.recording_files import read_recording


def test_stored_spikes_are_upstreams_and_a_moved_one_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_BENCHMARK_DATA", str(tmp_path / "data"))
    given, home, folder = upstream("benchmark", 1, True), tmp_path / "home", tmp_path / "written"
    home.mkdir()
    folder.mkdir()
    platform = new_home(home, given)
    (session_id,) = platform.manifest(SOURCE).session_ids
    made = make_session_asset(platform, SOURCE, session_id, "raw_spikes").folder
    recording = read_recording(made)

    def found(spikes: Any) -> dict[str, Any]:
        return {
            "spike_trains": np.array(jobs.hashes(jobs.by_unit(spikes))),
            "bytes": np.array(jobs.BYTES_OF_SPIKE * len(spikes.times)),
            "probe": recording.units["probe"].to_numpy(str),
            "cluster": recording.units["cluster_id"].to_numpy(np.int64),
        }

    ready = jobs.Ready(folder, recording, lambda: made)
    for name in ("write", "npy_write", "gzip_write"):
        job, back, _ = jobs.JOBS[name](ready)
        job()
        assert "24 units are upstream's" in stored.plain_alf(given, found(back())), name
        for path in folder.iterdir():
            path.unlink()
    recording.spikes.times[5] += 1 / 30000
    with pytest.raises(Differs, match="1 units have other spikes"):
        stored.plain_alf(given, found(recording.spikes))
    chain = {
        "assets": np.array(sorted(running.EVERY)),
        "n_units": np.array(24),
        "n_spikes": np.array(len(recording.spikes.times)),
    }
    assert "every one of" in running.whole_chain(given, chain)
    with pytest.raises(Differs, match="windows was not made"):
        running.whole_chain(given, {**chain, "assets": np.array(sorted(running.EVERY)[:-1])})
    with pytest.raises(Differs, match="spikes are stored, upstream has"):
        running.whole_chain(given, {**chain, "n_spikes": chain["n_spikes"] - 1})


def test_changes_that_a_diff_does_not_find_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_BENCHMARK_DATA", str(tmp_path))
    given = releases.catalogue(True)
    with np.load(given) as stored:
        before = release_jobs.catalogue(int(stored["n_sessions"]), int(stored["files_per_session"]))

    def found() -> dict[str, Any]:
        changes = release_jobs.JOBS["diff"](before, tmp_path)[1]().changes.groupby("kind")["n_files"].sum()
        return {"kinds": changes.index.to_numpy(str), "n_files": changes.to_numpy()}

    assert "8,400 tag changed" in releases.every_row(given, found())
    monkeypatch.setattr(release_jobs, "everything_moves", release_jobs.usual_release)
    with pytest.raises(Differs, match="and 8,400 were changed"):
        releases.every_row(given, found())


def test_a_command_that_says_something_else_is_seen() -> None:
    assert "it says ibl" in running.says(Path(), {"said": np.array("ibl: 1 session")}, ("ibl",))
    with pytest.raises(Differs, match="does not say materialize"):
        running.says(Path(), {"said": np.array("Usage: nh")}, ("materialize",))
    same = {"assets": np.array(["units"]), "n_spikes": np.array(3), "n_units": np.array(1)}
    with pytest.raises(Differs, match="n_spikes are 2 there"):
        running.as_much(Path(), same, {**same, "n_spikes": np.array(2)})
    with pytest.raises(Differs, match="no report"):
        running.a_report(Path(), same)
