"""A kernel that is broken on purpose gets no ratio: neither its plain reference nor the gate beside a peer lets it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.harness import comparison
from benchmarks.harness.comparison import Arrays, Differs, Row, compare, is_sound
from benchmarks.harness.gates import same_columns, same_counts
from benchmarks.harness.limits import Limits
from benchmarks.harness.page import page, printed
from benchmarks.harness.sides import Run, Side, SideFailed
from benchmarks.jobs import counting as here
from benchmarks.rows import counting as rows
from nh_platform.session import Spikes

ONE = Limits(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
GRID, EVENTS = rows.ROWS[0], next(row for row in rows.ROWS if row.name == "event-windows")


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_BENCHMARK_DATA", str(tmp_path))
    return GRID.data(True)


def found(given: Path, job: str) -> dict[str, Any]:
    """Return what a side in the platform's own environment leaves for the gate."""
    with np.load(given) as stored:
        arrays = {name: stored[name] for name in stored.files}
    nothing = np.zeros(len(arrays["grouped_times"]), dtype=np.float32)
    counts = here.JOBS[job](arrays, Spikes(arrays["grouped_times"], arrays["offsets"], nothing, nothing))()
    return {"counts": np.minimum(counts, 255).astype(np.uint8), "input": np.array("some spikes")}


def test_sound_kernels_pass(given: Path) -> None:
    grid, plain = found(given, "session_grid"), found(given, "numpy_bincount")
    assert "are those of numpy.searchsorted" in rows.plain_grid(given, grid)
    assert "each on an edge" in GRID.peers[0].gate(given, grid, plain)
    assert "are those of" in rows.plain_events(given, found(given, "event_windows"))
    assert "are those of" in rows.plain_events(given, found(given, "event_windows_in_time"))


def test_sliding_windows_pass_and_one_bin_off_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_BENCHMARK_DATA", str(tmp_path))
    row = next(row for row in rows.ROWS if row.name == "sliding-windows")
    given = row.data(True)
    ours = found(given, "sliding_windows")
    assert row.reference is not None
    assert "are those of numpy.searchsorted" in row.reference(given, ours)
    assert row.peers[0].gate(given, ours, found(given, "numpy_sliding")).endswith("counts are equal")
    off = {**ours, "counts": np.roll(ours["counts"], 1, axis=2)}
    with pytest.raises(Differs, match="counts are not those of"):
        row.reference(given, off)
    with pytest.raises(Differs, match="no spike on an edge explains it"):
        row.peers[0].gate(given, off, ours)


@pytest.mark.parametrize("wrong_us", [1, -20_000], ids=["edges 1 µs late", "one bin off"])
def test_wrong_edges_are_seen(given: Path, monkeypatch: pytest.MonkeyPatch, wrong_us: int) -> None:
    from nh_platform.windows.counts import binning

    edges = binning.bin_edges
    plain = found(given, "numpy_bincount")
    monkeypatch.setattr(binning, "bin_edges", lambda start, n, width: edges(start + wrong_us, n, width))
    with pytest.raises(Differs, match="counts are not those of"):
        rows.plain_grid(given, found(given, "session_grid"))
    with pytest.raises(Differs, match="counts are not those of"):
        rows.plain_events(given, found(given, "event_windows"))
    if wrong_us < 0:
        with pytest.raises(Differs, match="no spike on an edge explains it"):
            GRID.peers[0].gate(given, found(given, "session_grid"), plain)


def test_one_spike_lost_is_seen(given: Path) -> None:
    grid, plain = found(given, "session_grid"), found(given, "numpy_bincount")
    row, column = np.argwhere(grid["counts"] > 0)[7]
    grid["counts"][row, column] -= 1
    with pytest.raises(Differs, match=f"of row {row} differ"):
        same_counts()(given, grid, plain)


def test_a_wrong_threshold_is_seen_in_columns() -> None:
    ours = {"input": np.array("x"), "violations": np.array([0.1, np.nan, 0.3])}
    gate = same_columns(1e-9)
    assert "1 columns agree" in gate(Path(), ours, {"violations": np.array([0.1, np.nan, 0.3])})
    for theirs, words in (
        ({"violations": np.array([0.1, np.nan, 0.300001])}, "violations differs by 3.3"),
        ({"violations": np.array([0.1, 0.0, 0.3])}, "violations differs by inf"),
        ({}, "no column violations"),
    ):
        with pytest.raises(Differs, match=words):
            gate(Path(), ours, theirs)


class Held:
    """Stands for the process of a side: it leaves what a test says, and takes what it says."""

    left: dict[str, dict[str, Any]]
    seconds: dict[str, float]

    def __init__(self, side: Side, given: Path, found: Path, *, one_thread: bool = True) -> None:
        if side.job not in self.left:
            raise SideFailed(f"{side.label} ended with status 1: No module named 'peer'")
        self.versions, self._seconds = {"numpy": "9.9"}, self.seconds[side.job]
        np.savez(found, **self.left[side.job])

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self) -> Run:
        return Run(self._seconds, self._seconds, 1e6)


def measured(monkeypatch: pytest.MonkeyPatch, row: Row, folder: Path, left: dict[str, Arrays]) -> dict[str, Any]:
    monkeypatch.setattr(Held, "left", left, raising=False)
    monkeypatch.setattr(Held, "seconds", {name: 0.1 if name == "session_grid" else 1.0 for name in left}, raising=False)
    monkeypatch.setattr(comparison, "Worker", Held)
    return compare(row, folder, quick=True, n_runs=2, limits=ONE)


def stored_of(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    of = {"processor": "p", "cores": 2, "memory_gb": 8.0, "system": "Linux", "python": "3.11"}
    return {GRID.name: {**result, "day": "2026-01-01", "commit": "c", "machine": of, "limits": vars(ONE)}}


def test_a_broken_platform_gets_no_ratio_at_all(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid, plain = found(given, "session_grid"), found(given, "numpy_bincount")
    grid["counts"][3] = np.roll(grid["counts"][3], 1)
    result = measured(monkeypatch, GRID, tmp_path, {"session_grid": grid, "numpy_bincount": plain})
    assert "NO RATIO, the platform is wrong" in printed(result)
    assert result["peers"] == []
    assert is_sound(result) == [f"session-bins: {result['refused']}"]
    assert "not those of numpy.searchsorted" in page(stored_of(result), [GRID])


def test_peers_that_fail_or_differ_are_shown_without_a_ratio(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, plain = found(given, "session_grid"), found(given, "numpy_bincount")
    wrong = {"counts": np.roll(plain["counts"], 1, axis=1)}
    left = {"session_grid": grid, "numpy_bincount": plain, "torch_brain_bin_spikes": wrong}
    result = measured(monkeypatch, GRID, tmp_path, left)
    ratios = {peer["label"]: peer.get("ratios") for peer in result["peers"]}
    assert ratios["one flat `numpy.bincount`"] == [10.0, 10.0]
    assert list(ratios.values())[1:] == [None] * 5
    said, made = printed(result), page(stored_of(result), [GRID])
    assert "NO RATIO: pynapple `count` ended with status 1: No module named 'peer'" in said
    assert "no spike on an edge explains it" in said
    assert "| failed |" in made
    assert "not the same values: no ratio" in made
    assert len(is_sound(result)) == 5


def test_a_missed_aim_is_an_error_in_full_and_only_a_gross_one_in_quick_runs() -> None:
    peer = {"label": "peer", "at_least": 10.0, "ratios": [5.0, 6.0]}
    result = {"name": "row", "peers": [peer], "at_most": {"cpu_s": 1.0}, "here": [{"cpu_s": 2.0}]}
    assert is_sound(result) == ["row, peer: 5.5 times faster, aim 10", "row: cpu_s 2, aim at most 1"]
    assert is_sound(result, quick=True) == []
    assert is_sound({**result, "peers": [{**peer, "ratios": [3.0]}]}, quick=True) == [
        "row, peer: 3 times faster, aim 3.33"
    ]


def test_a_missed_aim_stands_on_the_page_with_where_the_time_goes(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, plain = found(given, "session_grid"), found(given, "numpy_bincount")
    numpy_peer = next(peer for peer in GRID.peers if peer.side.job == "numpy_bincount")
    row = replace(GRID, peers=(replace(numpy_peer, at_least=11.0),), profile="Half of it is disk.")
    result = measured(monkeypatch, row, tmp_path, {"session_grid": grid, "numpy_bincount": plain})
    missed = "- session-bins, one flat `numpy.bincount`: 10 times faster, aim 11. Half of it is disk."
    assert missed in page(stored_of(result), [row]).splitlines()
    met = replace(row, peers=(replace(numpy_peer, at_least=9.0),))
    result = measured(monkeypatch, met, tmp_path, {"session_grid": grid, "numpy_bincount": plain})
    assert "None is." in page(stored_of(result), [met]).splitlines()
