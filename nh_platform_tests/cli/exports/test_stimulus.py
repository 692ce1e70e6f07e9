"""`nh export stimulus` from the home folder to arrays, the asset behind it, and what reading offers of the session."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

from nh_platform import open_store, operations
from nh_platform.assets.across_sessions.stimulus_files import ASSET
from nh_platform.assets.registry import session_assets
from nh_platform.assets.stimulus_tensors import parameters
from nh_platform.cli.app import app
from nh_platform.home.platform import Platform
from nh_platform.planning.versions import expected_source_asset
from nh_platform.session import ConfigError, StoreError
from nh_platform.sources.registry import source_entry
from nh_platform.store import Provenance
from nh_platform.store.names import PROVENANCE, SOURCE_WIDE
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.store.resealing import reseal


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """One session of `allen_vc` with every asset."""
    platform = make_home(tmp_path_factory.mktemp("home"), ("allen_vc",))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "allen_vc")
    assert outcome.success, outcome.errors
    assert set(outcome.plan.assets) == {*session_assets("ibl"), "optotagging", "stimulus_tensors"}
    return platform


def run(home: Platform, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--home", str(home.settings.home), *arguments], env={"NH_HOME": ""})


def test_the_files_are_made_when_they_are_asked_for_and_only_then(home: Platform, tmp_path: Path) -> None:
    assert home.store.current("allen_vc", SOURCE_WIDE, ASSET.name) is None
    first = run(home, "export", "stimulus", "natural_scenes", "VISp", str(tmp_path))
    assert first.exit_code == 0, first.output
    assert "joining the tensors of 1 sessions" in first.output
    (session_id,) = home.manifest("allen_vc").session_ids
    array = np.load(tmp_path / f"session_{session_id}-natural_scenes-VISp-spike_data.npy")
    assert array.dtype == np.uint8
    assert array.shape[1:] == (115, 13)
    record = home.store.provenance("allen_vc", SOURCE_WIDE, ASSET.name)
    assert record is not None
    assert record.data_version == expected_source_asset(home, "allen_vc", ASSET).data_version
    compat = run(
        home, "export", "stimulus", "natural_scenes", "VISp", str(tmp_path / "c"), "--mode", "mlynarski-compat"
    )
    assert "joining" not in compat.output
    name = f"session_{session_id}-natural_scenes-VISp-spike_data.npy"
    assert np.load(tmp_path / "c" / name).shape[1:] == (115, 14)


def test_a_folder_whose_name_looks_like_markup_is_printed_as_it_is(home: Platform, tmp_path: Path) -> None:
    out = tmp_path / "[red]out[/red]"
    done = run(home, "export", "stimulus", "natural_scenes", "VISp", str(out))
    assert done.exit_code == 0, done.output
    assert "written to" in done.output
    assert "[red]out[/red]" in done.output.replace("\n", "")


def test_what_cannot_be_exported_is_said_in_a_sentence(home: Platform, tmp_path: Path) -> None:
    unknown = run(home, "export", "stimulus", "natural_scene", "VISp", str(tmp_path))
    assert unknown.exit_code == 1
    assert "Did you mean natural_scenes" in unknown.stderr
    mode = run(home, "export", "stimulus", "natural_scenes", "VISp", str(tmp_path), "--mode", "precise")
    assert "Use exact or mlynarski-compat" in mode.stderr
    other = run(home, "export", "stimulus", "natural_scenes", "VISp", str(tmp_path), "--source", "ibl")
    assert "it has no stimulus tensors" in other.stderr
    with pytest.raises(StoreError, match="no session in"):
        operations.export_stimulus(tmp_path, "natural_scenes", "VISp", tmp_path)


def test_a_clone_of_the_published_set_is_equal_or_what_differs_is_said(home: Platform, tmp_path: Path) -> None:
    run(home, "export", "stimulus", "flashes", "VISp", str(tmp_path / "npy"))
    stored = home.store.folder("allen_vc", SOURCE_WIDE, ASSET.name) / "mlynarski-compat" / "flashes.h5"
    folder = tmp_path / "clone" / "data" / "02_stimulus_types"
    folder.mkdir(parents=True)
    shutil.copy(stored, folder)
    equal = run(home, "export", "stimulus", "--compare", str(tmp_path / "clone"))
    assert equal.exit_code == 0, equal.output
    assert "arrays of spikes there are presentation,time,unit: none of the README's three" in equal.output
    assert equal.output.endswith("arrays are equal\n")
    with h5py.File(folder / "flashes.h5", "a") as handle:
        (session,) = handle
        handle[f"{session}/VISp/spike_data/spike_data"][0, 0, 0] ^= 1
    (folder / "gabors.h5").symlink_to("../../.git/annex/objects/Wv/z3/MD5E-s9--bb.h5/MD5E-s9--bb.h5")
    differs = run(home, "export", "stimulus", "--compare", str(tmp_path / "clone"))
    assert differs.exit_code == 1
    name = "data/02_stimulus_types/gabors.h5"
    assert f"{name}: its content was not fetched; run `datalad get {name}` or `git annex get {name}`" in differs.output
    assert f"flashes {session} VISp spike_data: 1 of " in differs.output
    assert "1 difference in " in differs.output
    speed = run(home, "export", "stimulus", "flashes", "--data", "speed", "--compare", str(tmp_path / "clone"))
    assert speed.exit_code == 0, speed.output


def test_an_export_of_the_other_mode_is_told_from_data_that_differ(home: Platform, tmp_path: Path) -> None:
    assert run(home, "export", "stimulus", "flashes", "VISp", str(tmp_path)).exit_code == 0  # exact by default
    differs = run(home, "export", "stimulus", "--compare", str(tmp_path))
    assert differs.exit_code == 1
    assert "difference in " in differs.output
    assert "nothing differs from ours of mode exact: add `--mode exact`" in " ".join(differs.output.split())
    assert run(home, "export", "stimulus", "--compare", str(tmp_path), "--mode", "exact").exit_code == 0


def test_axes_are_exported_in_the_order_asked_for(home: Platform, tmp_path: Path) -> None:
    done = run(home, "export", "stimulus", "flashes", "VISp", str(tmp_path), "--dims", "unit,time,presentation")
    assert done.exit_code == 0, done.output
    (path,) = tmp_path.glob("*.npy")
    assert np.load(path).shape[1] == 13
    assert "Target format" in (tmp_path / "flashes-VISp-spike_data.json").read_text()


def test_arguments_that_do_not_go_together_are_refused(home: Platform, tmp_path: Path) -> None:
    assert "STRUCTURE is missing" in run(home, "export", "stimulus", "flashes").stderr
    both = run(home, "export", "stimulus", "flashes", "VISp", str(tmp_path), "--compare", str(tmp_path))
    assert "OUT does nothing there" in both.stderr
    axes = run(home, "export", "stimulus", "flashes", "VISp", str(tmp_path), "--dims", "neurons,time")
    assert axes.exit_code == 1
    assert "Name unit, presentation, time once each" in axes.stderr


def test_without_a_source_that_has_tensors_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = {"ibl": source_entry("ibl")}
    monkeypatch.setattr("nh_platform.sources.registry.sources", lambda: served)
    with pytest.raises(ConfigError, match="none of ibl has stimulus tensors"):
        operations.export_stimulus(tmp_path, "natural_scenes", "VISp", tmp_path)


def test_modes_are_a_setting_and_part_of_the_data_version(home: Platform) -> None:
    assert "modes=exact,mlynarski-compat" in parameters(home, "allen_vc")["stimulus_tensors"]
    own = home.settings.model_copy(
        update={
            "sources": {"allen_vc": home.settings.source("allen_vc").model_copy(update={"stimulus_modes": ["exact"]})}
        }
    )
    assert "modes=exact;" in parameters(Platform(own), "allen_vc")["stimulus_tensors"]
    wrong = home.settings.source("allen_vc").model_copy(update={"stimulus_modes": ["fast"]})
    with pytest.raises(ConfigError, match=r"allen_vc\.stimulus_modes.*'fast'.*exact, mlynarski-compat"):
        Platform(home.settings.model_copy(update={"sources": {"allen_vc": wrong}})).config("allen_vc")


def test_a_session_gives_counts_and_means_per_presentation(home: Platform) -> None:
    store = open_store(home.settings.home)
    session = store.session("allen_vc", home.manifest("allen_vc").session_ids[0])
    assert "stimulus_tensors" in session.assets
    counts = session.presentation_counts("natural_scenes", units=session.good_units())
    n_units = int(session.good_units().sum())
    shown = session.presentations[session.presentations["stimulus_name"] == "natural_scenes"]
    assert counts.counts.shape == (int(shown["valid"].sum()), 55, n_units)
    array = counts.to_xarray()
    assert array.dims == ("stimulus_presentation_id", "time_relative_to_stimulus_onset", "unit_id")
    unit = str(array["unit_id"][0].item())
    row = session.units["unit_id"].tolist().index(unit)
    start = shown["start_time"].iloc[0]
    times = session.spikes.of_unit(row)
    assert counts.counts[0, :, 0].sum() == ((times >= start - 0.05) & (times < start + 0.5)).sum()
    wide = session.presentation_counts("flashes", edges=[0.0, 0.1, 2.0])
    assert wide.counts.shape[1] == 2
    speed = session.presentation_means("running_speed", "natural_scenes")
    assert speed.index.tolist() == counts.presentation_ids.tolist()
    assert speed["velocity"].notna().all()
    with pytest.raises(ConfigError, match=r"stimulus 'natural_scene'.*Did you mean natural_scenes"):
        session.presentation_counts("natural_scene")


def test_tables_of_upstream_are_part_of_the_files_and_a_store_away_from_them_stays_current(home: Platform) -> None:
    run(home, "export", "stimulus", "natural_scenes", "VISp", str(home.settings.home / "out"))
    folder = home.store.folder("allen_vc", SOURCE_WIDE, ASSET.name)
    sessions = pd.read_csv(folder / "mlynarski-compat" / "sessions.csv")
    assert sessions["session_type"].tolist() == ["brain_observatory_1.1"]
    made = expected_source_asset(home, "allen_vc", ASSET).data_version
    upstream = home.source("allen_vc").settings.root / "sessions.csv"
    stated = upstream.read_text()
    upstream.write_text(stated.replace("brain_observatory_1.1", "other"))
    assert expected_source_asset(home, "allen_vc", ASSET).data_version != made
    upstream.write_text(stated)
    assert expected_source_asset(home, "allen_vc", ASSET).data_version == made
    away = upstream.parent.rename(upstream.parent.with_name("away"))
    assert expected_source_asset(home, "allen_vc", ASSET).data_version == made
    away.rename(upstream.parent)


def test_tensors_that_earlier_code_made_are_not_joined_and_named(home: Platform, tmp_path: Path) -> None:
    (session_id,) = home.manifest("allen_vc").session_ids
    version = home.store.folder("allen_vc", session_id, "stimulus_tensors")
    stated = Provenance.read(version)
    reseal(version, code_version="1")
    try:
        refused = run(home, "export", "stimulus", "natural_scenes", "VISp", str(tmp_path))
        assert "no session in" in refused.stderr
        assert "--missing" in refused.stderr
        (tmp_path / "files").mkdir()
        result = ASSET.make(home, "allen_vc", tmp_path / "files")
        (check,) = result.checks.values()
        assert not check.passed
        assert check.shown["left out"] == [{"mode": "every", "session": session_id}]
        (note,) = result.notes
        assert note.startswith(f"session {session_id}: left out, an earlier version made its tensors; run `nh mat")
    finally:
        (version / PROVENANCE).write_bytes(stated.to_bytes())


def test_pictures_are_written_whole_or_what_is_missing_is_said(home: Platform, tmp_path: Path) -> None:
    missing = run(home, "export", "pictures", "natural_movie_one", str(tmp_path))
    assert missing.exit_code == 1
    assert "natural_movie_1.h5: it is not in" in missing.stderr
    assert list(tmp_path.iterdir()) == []
    templates = home.source("allen_vc").settings.root / "natural_movie_templates"
    templates.mkdir()
    movie = np.arange(900 * 4 * 6, dtype=np.uint64).reshape(900, 4, 6).astype(np.uint8)
    with (templates / "natural_movie_1.h5").open("wb") as file:
        np.save(file, movie)
    for _ in range(2):  # a file of that name is replaced
        done = run(home, "export", "pictures", "natural_movie_one", str(tmp_path))
        assert done.exit_code == 0, done.output
    (path,) = tmp_path.iterdir()
    with xr.open_dataset(path, engine="h5netcdf") as found:
        np.testing.assert_array_equal(found["natural_movie_one"], movie)
    assert path.name == "natural_movie_one_frames.h5"
    other = run(home, "export", "pictures", "natural_movie_one", str(tmp_path), "--source", "ibl")
    assert "it has no pictures of stimuli" in other.stderr
