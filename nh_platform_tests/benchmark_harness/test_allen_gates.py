"""Presentations that are counted wrongly and spike trains that are read wrongly get no ratio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.harness import nwb_files
from benchmarks.harness.comparison import Differs
from benchmarks.harness.gates import same_values
from benchmarks.jobs import nwb, presentations, stimulus_sets
from benchmarks.rows import allen as rows


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_BENCHMARK_DATA", str(tmp_path))
    return rows.session(True)


def counted(given: Path, job: str, when: str) -> dict[str, Any]:
    return {"counts": presentations.JOBS[job](*presentations.read(str(given), when))()}


@pytest.mark.slow
@pytest.mark.parametrize("when", ["together", "apart"])
def test_counts_are_plain_ones_and_allensdk_differs_on_edges_alone(given: Path, when: str) -> None:
    ours, theirs = counted(given, "count", when), counted(given, "allensdk", when)
    assert "are those of numpy.searchsorted" in rows.plain_counts(given, ours, when)
    said = rows.beside_allensdk(given, ours, theirs, when)
    assert "counted twice there" in said
    assert ", 0 hold a spike" not in said


def test_late_edges_are_seen(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nh_platform.windows.presentations import presentation_counts

    sound, windows = counted(given, "count", "together"), presentation_counts._separate_windows
    late = lambda n_units, starts, stops, edges: windows(n_units, starts, stops, edges + 0.001)  # noqa: E731
    monkeypatch.setattr(presentation_counts, "_separate_windows", late)
    ours = counted(given, "count", "together")
    with pytest.raises(Differs, match="counts are not those of"):
        rows.plain_counts(given, ours, "together")
    with pytest.raises(Differs, match="differ by more than spikes on edges"):
        rows.beside_allensdk(given, ours, sound, "together")


def test_a_spike_that_is_read_wrongly_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file.nwb"
    nwb_files._write(40, 100, path)
    trains = {unit: np.array(train) for unit, train in nwb.units_and_spikes(path).items()}
    sound = {"spike_trains": np.array(nwb.hashes(trains))}
    assert "all of 40 spike trains" in rows.plain_trains(path, sound)
    trains[min(trains)][3] += 1e-7
    wrong = {"spike_trains": np.array(nwb.hashes(trains))}
    with pytest.raises(Differs, match="not those that h5py reads"):
        rows.plain_trains(path, wrong)
    with pytest.raises(Differs, match="spike_trains are not the same"):
        same_values("spike_trains")(path, wrong, sound)


def test_a_binned_set_with_another_value_type_or_axis_is_seen(tmp_path: Path) -> None:
    xr = pytest.importorskip("xarray")
    row = next(one for one in rows.ROWS if one.name == "stimulus-set")

    def held(counts: np.ndarray, axes: tuple[str, str] = ("time", "unit_id")) -> dict[str, Any]:
        made = xr.DataTree.from_dict({"/session_1/VISp": xr.Dataset({"spike_counts": (axes, counts)})})
        made.to_netcdf(tmp_path / "natural_scenes.h5", engine="h5netcdf")
        return {"arrays": np.array(stimulus_sets.arrays(tmp_path))}

    sound = np.eye(3, dtype=np.uint8)
    ours = held(sound)
    assert "all of 1 arrays are identical" in row.peers[0].gate(tmp_path, ours, held(sound))
    moved, of_another_type = np.roll(sound, 1, axis=0), sound.astype(np.int16)
    for theirs in (held(moved), held(of_another_type), held(sound, ("unit_id", "time"))):
        with pytest.raises(Differs, match="arrays are not the same"):
            row.peers[0].gate(tmp_path, ours, theirs)
