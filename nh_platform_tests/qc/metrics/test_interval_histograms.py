"""Autocorrelogram and log-interval histogram: hand-made trains, bin edges, bad input, threads, the stored file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.qc.metrics import HISTOGRAMS, METRICS, unit_histograms
from nh_platform.qc.metrics.histogram_file import FILE, read_histograms, write_histograms
from nh_platform.qc.metrics.interval_histograms import ACG, ISI
from nh_platform.session import Spikes, StoreError
from nh_platform_tests.qc.metrics.plain import all_lags
from nh_platform_tests.qc.metrics.trains import group, session, units_of


def counts_of(spikes: Spikes, metric_id: str, **options: int) -> np.ndarray:
    made, _ = unit_histograms(spikes, units_of(spikes), **options)
    return made[metric_id].counts


def occupied(counts: np.ndarray) -> dict[int, int]:
    return {int(place): int(counts[place]) for place in np.flatnonzero(counts)}


def test_autocorrelogram_counts_all_pairs_and_not_only_neighbours() -> None:
    counts = counts_of(group([[0.0, 0.0015, 0.0025], [1.0], []]), ACG)
    assert [occupied(row) for row in counts] == [{1: 2, 2: 1}, {}, {}]


def test_a_lag_on_an_edge_falls_in_the_bin_that_it_opens() -> None:
    assert 1.001 - 1.0 < 0.001  # 30 samples apart, but not in floats
    assert occupied(counts_of(group([[1.0, 1.001]]), ACG)[0]) == {1: 1}
    assert occupied(counts_of(group([[1.0, 1.1]]), ACG)[0]) == {}
    assert occupied(counts_of(group([[1.0, 1.0 + 2999 / 30000]]), ACG)[0]) == {99: 1}


def test_autocorrelogram_equals_the_histogram_of_all_lags() -> None:
    spikes = session(n_units=6)
    counts = counts_of(spikes, ACG)
    for unit in range(6):
        lags = all_lags(np.rint(spikes.of_unit(unit) * 30000).astype(np.int64), 2999)
        assert counts[unit].tolist() == np.bincount(lags // 30, minlength=100).tolist()


def test_intervals_are_counted_on_half_open_logarithmic_bins_and_those_outside_are_not() -> None:
    spikes = session(n_units=6)
    made, _ = unit_histograms(spikes, units_of(spikes))
    edges = made[ISI].edges_s
    assert edges[0] == 1e-4
    assert edges[-1] == pytest.approx(100.0)
    assert np.diff(np.log10(edges)) == pytest.approx(np.full(60, 0.1))
    for unit in range(6):
        place = edges.searchsorted(np.diff(spikes.of_unit(unit)), side="right")
        assert made[ISI].counts[unit].tolist() == np.bincount(place, minlength=62)[1:61].tolist()
    on_edges = group([[0.0, float(edges[10]), float(edges[10]) + 1e-5, 500.0]])
    assert occupied(counts_of(on_edges, ISI)[0]) == {10: 1}


def test_every_number_of_threads_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nh_platform.qc.metrics.unit_blocks.BLOCK_SPIKES", 1000)
    spikes = session(n_units=24)
    one, _ = unit_histograms(spikes, units_of(spikes), n_threads=1)
    for n_threads in (2, 7):
        made, _ = unit_histograms(spikes, units_of(spikes), n_threads=n_threads)
        assert all(made[name].counts.tobytes() == one[name].counts.tobytes() for name in HISTOGRAMS)


def test_unsorted_times_are_sorted_and_what_cannot_be_used_is_noted() -> None:
    spikes = group([[0.1, 0.0], [0.0, np.nan, 0.1], [3.0], [], [0.0, 0.1]])
    made, notes = unit_histograms(spikes, units_of(spikes))
    assert [int(row.sum()) for row in made[ISI].counts] == [1, 0, 0, 0, 1]
    texts = [note.text for note in notes]
    assert texts == [
        "1 of 4 units with spikes (u0): spike times are not in order; a sorted copy was used",
        "1 of 4 units with spikes (u1): a spike time is NaN, infinite or beyond 1e9 s: metrics from times are NaN",
        "2 of 5 units have fewer than two spikes (u2, u3): their histograms are 0",
    ]


def test_no_units_are_no_error() -> None:
    made, notes = unit_histograms(group([[]]).take(np.array([], np.int64)), units_of(group([[]])).head(0))
    assert made[ACG].counts.shape == (0, 100)
    assert made[ISI].counts.shape == (0, 60)
    assert notes == ()


def test_histograms_are_definitions_of_their_own() -> None:
    assert set(HISTOGRAMS) == {ACG, ISI} == {"nh.autocorrelogram@1", "nh.log_isi_histogram@1"}
    assert not set(HISTOGRAMS) & set(METRICS)
    for known in HISTOGRAMS.values():
        assert known.formula
        assert known.edge_cases
        assert known.parameters
        assert known.dtype == "int64"


def test_the_file_comes_back_as_written_and_says_what_it_holds(tmp_path: Path) -> None:
    import h5py

    spikes = session(n_units=8)
    made, _ = unit_histograms(spikes, units_of(spikes))
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write_histograms(folder, made)
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()
    back = read_histograms(tmp_path / "a")
    for name in HISTOGRAMS:
        assert back[name].counts.dtype == np.int64
        assert np.array_equal(back[name].counts, made[name].counts)
        assert np.array_equal(back[name].edges_s, made[name].edges_s)
    with h5py.File(tmp_path / "a" / FILE) as file:
        group_of = file["autocorrelogram"]
        assert group_of.attrs["definition"] == ACG
        assert group_of["counts"].attrs["unit"] == "1"
        assert group_of["edges_s"].attrs["unit"] == "s"
        assert HISTOGRAMS[ACG].meaning in group_of["counts"].attrs["meaning"]


def test_units_that_were_made_without_histograms_are_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"histograms\.h5") as raised:
        read_histograms(tmp_path)
    assert "Materialize" in str(raised.value)
