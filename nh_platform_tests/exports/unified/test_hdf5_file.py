"""The unified HDF5 file: the guide's data sets, read by h5py without our filters and by h5dump."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform import operations
from nh_platform.exports.unified.behavior_grid import behavior_grid
from nh_platform.exports.unified.hdf5_file import REQUIRED, _File, unit_numbers
from nh_platform.exports.unified.stimulus_ids import _conditions, numbered_trials
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError, Signal
from nh_platform.session.tables.signal_units import column_units
from nh_platform_tests.homes import WRITERS

SOURCES = tuple(WRITERS)

TRIALS = ("trials/start_times", "trials/stimulus_ids")

READ_WITHOUT_OURS = """
import json, sys
sys.modules["hdf5plugin"] = sys.modules["nh_platform"] = None
import h5py
with h5py.File(sys.argv[1], "r") as file:
    found = {}
    file.visititems(lambda name, one: found.update({name: one[()].size}) if isinstance(one, h5py.Dataset) else None)
print(json.dumps(found))
"""


def export(home: Platform, folder: Path, source: str, units: str = "all", **options: object) -> Path:
    done = operations.export_sessions(home.settings.home, "hdf5", source, folder, units=units, options=options)
    assert not done.failed, done.failed
    return folder / next(iter(done.written.values()))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"compression": "zstd"}, "--compression zstd: there are gzip and none"),
        ({"grid_hz": 0.0}, "grid of 0 Hz"),
        ({"grid_hz": 4000.0}, "grid of 4000 Hz"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_anything_is_made(
    three_sources: Platform, tmp_path: Path, options: dict[str, object], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        operations.export_sessions(three_sources.settings.home, "hdf5", "ibl", tmp_path / "out", options=options)
    assert not (tmp_path / "out").exists()


def test_a_stimulus_that_was_not_shown_is_refused_by_session(three_sources: Platform, tmp_path: Path) -> None:
    home, options = three_sources.settings.home, {"stimulus": "natural_scene"}
    done = operations.export_sessions(home, "hdf5", "allen_vc", tmp_path / "out", options=options)
    ((session_id, error),) = done.failed.items()
    assert f"allen_vc session {session_id}: natural_scene was not shown in it; shown were" in str(error)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_it_has_the_guides_data_sets_and_opens_without_our_filters(
    three_sources: Platform, tmp_path: Path, source: str, compression: str
) -> None:
    path = export(three_sources, tmp_path, source, compression=compression)
    command = [sys.executable, "-c", READ_WITHOUT_OURS, str(path)]
    read = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert read.returncode == 0, read.stderr
    sizes = json.loads(read.stdout)
    assert {*REQUIRED, *TRIALS} <= set(sizes)
    assert all(sizes[name] for name in (*REQUIRED, *TRIALS))


@pytest.mark.parametrize("source", SOURCES)
def test_it_holds_what_the_session_holds(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path, source: str
) -> None:
    session = only_session[source]
    with h5py.File(export(three_sources, tmp_path, source)) as file:
        times, ids = file["spikes/times"][:], file["spikes/unit_ids"][:]
        unit_ids, texts = file["units/unit_ids"][:], file["units/uuids"].asstr()[:]
        assert texts.tolist() == session.units["unit_id"].tolist()
        assert (np.diff(times) >= 0).all()
        assert len(set(unit_ids)) == len(unit_ids)
        assert set(ids) <= set(unit_ids)
        for row in range(len(unit_ids)):
            assert np.array_equal(times[ids == unit_ids[row]], session.spikes.of_unit(row))
        labels = file["units/quality_labels"]
        column = labels.attrs["column"]
        assert column == ("released.label" if source == "ibl" else "released.quality")
        assert np.array_equal(file["units/good"][:], session.good_units())
        assert np.array_equal(file["trials/start_times"][:], session.trials["start_time"])
        assert len(file["trials/stimulus_ids"]) == len(session.trials)
        assert file["behavior/values"].shape == (
            len(file["behavior/timestamps"]),
            len(file["behavior/values"].attrs["names"]),
        )
        valid = session.valid_spikes.stretches
        assert file["valid_time/probe"].asstr()[:].tolist() == [probe for probe in valid for _ in valid[probe]]
        bounds = np.column_stack([file["valid_time/start_times"], file["valid_time/stop_times"]])
        assert np.array_equal(bounds, np.concatenate([*valid.values()]))
        assert file["valid_time/stop_times"].attrs["unit"] == "s"
        assert not [unit for unit in file["behavior/values"].attrs["units"] if "," in unit]
        for name, signal in session.signals.items():
            assert tuple(file[f"behavior/signals/{name}/values"].attrs["units"]) == column_units(signal)
        everything: list[str] = []
        file.visititems(lambda name, one: everything.append(name) if isinstance(one, h5py.Dataset) else None)
        assert all(file[name].attrs["unit"] and file[name].attrs["meaning"] for name in everything)
        assert file.attrs["terms"] == three_sources.entry(source).terms
        assert file.attrs["cites"]
        assert "raw_spikes" in file.attrs["data_versions"]


def test_ids_stay_when_only_good_units_are_written(three_sources: Platform, tmp_path: Path) -> None:
    with (
        h5py.File(export(three_sources, tmp_path / "all", "ibl")) as every,
        h5py.File(export(three_sources, tmp_path / "good", "ibl", units="good")) as good,
    ):
        named = dict(zip(every["units/uuids"][:], every["units/unit_ids"][:]))
        assert all(named[text] == number for text, number in zip(good["units/uuids"][:], good["units/unit_ids"][:]))
        assert 0 < len(good["units/unit_ids"]) < len(every["units/unit_ids"])
        assert set(good["spikes/unit_ids"][:]) <= set(good["units/unit_ids"][:])


def test_h5dump_reads_every_data_set(three_sources: Platform, tmp_path: Path) -> None:
    if shutil.which("h5dump") is None:
        pytest.skip("there is no h5dump: install Debian's hdf5-tools")
    path = export(three_sources, tmp_path, "allen_vbn")
    dumped = subprocess.run(["h5dump", str(path)], capture_output=True, text=True, check=False)
    assert (dumped.returncode, dumped.stderr) == (0, "")
    listed = subprocess.run(["h5dump", "-n", str(path)], capture_output=True, text=True, check=True).stdout
    assert all(f"/{name}" in listed for name in (*REQUIRED, *TRIALS))


def test_signals_lie_on_one_grid_with_nothing_where_nothing_was_sampled(only_session: dict[str, SessionView]) -> None:
    times = np.concatenate([np.arange(1.0, 3.0, 0.1), np.arange(5.0, 6.0, 0.1)])
    signals = {
        "running_speed": Signal("running_speed", times, 2 * times, "cm/s", ("velocity",)),
        "turn": Signal("turn", np.arange(0.0, 2.0, 0.25), np.linspace(3.0, 3.4, 8), "rad", ("eye_phi",)),
        "odd": Signal("odd", np.array([0.0, 2.0, 1.0]), np.zeros(3), "1", ("x",)),
    }
    grid = behavior_grid(only_session["allen_vc"], signals, 20.0)
    assert (grid.times[0], grid.names) == (0.0, ("running_speed", "turn"))
    assert times[-1] - 0.05 <= grid.times[-1] <= times[-1]
    assert np.allclose(np.diff(grid.times), 0.05)
    at = lambda second: grid.values[round(second * 20), 0]  # noqa: E731
    assert (at(1.05), at(5.5)) == (pytest.approx(2.1), pytest.approx(11.0))
    assert np.isnan([at(0.5), at(4.0)]).all()
    assert np.nanmax(np.abs(grid.values[:, 1])) <= np.pi
    assert grid.left_out[0].startswith("odd is not on the grid: its times descend")


def test_stimulus_ids_say_what_was_shown(only_session: dict[str, SessionView]) -> None:
    ibl = numbered_trials(only_session["ibl"])
    assert ibl is not None
    assert ibl.stimulus is not None
    for row, number in enumerate(ibl.stimulus):
        right = ibl.table["contrastRight"].iloc[row]
        side, contrast = ("left", ibl.table["contrastLeft"].iloc[row]) if np.isnan(right) else ("right", right)
        assert ibl.names[number] == f"{side} {contrast:g}"
    coding = only_session["allen_vc"]
    conditions = numbered_trials(coding)
    assert conditions is not None
    assert conditions.stimulus is not None
    shown = [conditions.names[number].split()[0] for number in conditions.stimulus]
    assert shown == coding.trials["stimulus_name"].tolist()
    behavior = numbered_trials(only_session["allen_vbn"])
    assert behavior is not None
    assert behavior.stimulus is not None
    images = [behavior.names[number] if number >= 0 else None for number in behavior.stimulus]
    assert (
        images == behavior.table["change_image_name"].where(behavior.table["change_image_name"].notna(), None).tolist()
    )


def test_ids_of_seven_digits_are_conditions_of_their_own_and_written_in_full() -> None:
    shown = pd.DataFrame(
        {"stimulus_name": "flashes", "image_id": [1234568.0, np.nan, 1234567.0, 1234568.0], "size": [0.1, 1.0, 20, 0.1]}
    )
    found = _conditions(shown, "it")
    assert found.names == ("flashes image_id=1234567 size=20", "flashes image_id=1234568 size=0.1", "flashes size=1")
    assert found.stimulus is not None
    assert found.stimulus.tolist() == [1, 2, 0, 1]


def test_conditions_are_numbered_by_what_they_are_and_not_by_their_text() -> None:
    found = _conditions(pd.DataFrame({"stimulus_name": "flashes", "side": pd.Series([1, "1", 1], dtype=object)}), "it")
    assert found.stimulus is not None
    assert (found.names, found.stimulus.tolist()) == (("flashes side=1",) * 2, [0, 1, 0])


def test_frames_of_one_stimulus_are_upstreams_numbers(only_session: dict[str, SessionView]) -> None:
    coding = only_session["allen_vc"]
    stimulus = next(name for name in coding.presentations["stimulus_name"].unique() if "movie" in name)
    rows = coding.presentations
    rows = rows[(rows["stimulus_name"] == stimulus) & rows["valid"]]
    found = numbered_trials(coding, stimulus)
    assert found is not None
    assert found.stimulus is not None
    assert found.stimulus.tolist() == rows["frame"].astype(int).tolist()
    with pytest.raises(ConfigError, match="natural_cinema"):
        numbered_trials(coding, "natural_cinema")


def test_numbers_of_units() -> None:
    assert unit_numbers(pd.Series(["12", "7"]))[0].tolist() == [12, 7]
    assert unit_numbers(pd.Series(["12", "07"]))[0].tolist() == [0, 1]
    assert unit_numbers(pd.Series(["9" * 30]))[0].tolist() == [0]


@pytest.mark.parametrize("texts", [["µ0", "a"], ["b0", "a"]])
def test_texts_of_any_alphabet_are_written_and_read_back(tmp_path: Path, texts: list[str]) -> None:
    for compression in ("gzip", "none"):
        with h5py.File(tmp_path / f"{compression}.h5", "w") as handle:
            _File(handle, compression).put("ids", np.array(texts, dtype=object), "-", "Ids")
            stored = handle["ids"]
            assert h5py.check_string_dtype(stored.dtype).encoding == ("ascii" if texts[0].isascii() else "utf-8")
            assert [one.decode() for one in stored[:]] == texts
