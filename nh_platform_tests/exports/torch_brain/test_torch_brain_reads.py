"""torch_brain 0.2.1's own samplers iterate the recordings: their windows hold the same spikes as ours, and its counts.

In torch_brain's own environment, made by ``benchmarks/peers.py`` on first use.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nh_platform.reading import OpenedStore
from nh_platform.tasks.brain_wide_bench.trial_classes import choice, reward, stimulus_contrast
from nh_platform.tasks.brain_wide_bench.trial_signals import licking_rate, wheel_speed, whisker_motion_energy
from nh_platform.windows.counts.binning import bin_events
from nh_platform_tests.exports.torch_brain.conftest import SOURCES

pytestmark = pytest.mark.peer

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
Found = dict[str, np.ndarray]
AT_AN_EDGE_S = 1e-9
"""So close to an edge a spike may be in the other bin there: its edges are multiples of a float."""


def run(script: str, *arguments: Path) -> str:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    return run_in_peer("torch_brain", BENCHMARKS / script, *arguments)


@pytest.fixture(scope="module")
def theirs(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Found:
    found = tmp_path_factory.mktemp("peer") / "found.npz"
    run("peer_torch_brain_recordings.py", recordings, found)
    with np.load(found) as stored:
        return {name: stored[name] for name in stored.files}


CASES = [(source, sampler, reader) for source in SOURCES for sampler in ("random", "sequential", "trials", "seconds")
         for reader in ("lazy", "eager")]  # fmt: skip


@pytest.mark.parametrize(("source", "sampler", "reader"), CASES)
def test_windows_hold_the_same_spikes_and_counts(
    theirs: Found, store: OpenedStore, source: str, sampler: str, reader: str
) -> None:
    session = store.session(source, store.sessions(source)["session_id"][0])
    start, end, n, times, units, counts = (
        theirs[f"{source}/{sampler}/{reader}/{name}"] for name in ("start", "end", "n", "times", "units", "counts")
    )
    assert len(start) >= 10
    ends = np.cumsum(n)
    for i in range(len(start)):
        part = session.between(start[i], end[i]).spikes
        ours = np.lexsort((np.repeat(np.arange(part.n_units), part.counts), part.times))
        here = slice(ends[i] - n[i], ends[i])
        np.testing.assert_array_equal(times[here], part.times[ours] - start[i])
        np.testing.assert_array_equal(units[here], np.repeat(np.arange(part.n_units), part.counts)[ours])
    if sampler == "trials":
        return
    ours = bin_events(session.spikes, start, 0, 50, 20_000).counts.transpose(0, 2, 1).astype(np.int64)
    moved = np.abs(counts - ours).sum(axis=(1, 2))
    at_edge = [
        (np.abs(one * 50 - np.round(one * 50)) < AT_AN_EDGE_S * 50).sum()
        for one in np.split(times, ends[:-1])
    ]  # fmt: skip
    assert (moved <= 2 * np.array(at_edge)).all()
    assert counts.sum() == ours.sum()


@pytest.mark.parametrize("source", SOURCES)
def test_whole_seconds_are_the_windows_of_poyo_and_of_the_store(theirs: Found, store: OpenedStore, source: str) -> None:
    session = store.session(source, store.sessions(source)["session_id"][0])
    start, n, times, units, counts = (
        theirs[f"{source}/seconds/lazy/{name}"] for name in ("start", "n", "times", "units", "counts")
    )
    poyo, binned = session.windows("poyo-1s"), session.windows("continuous-1s")
    rows = poyo.index[poyo.index["valid"]].set_index("start")
    assert set(start) == set(rows.index)  # what is invalid here is no window there
    ends = np.cumsum(n)
    ids = binned.index.set_index("start").loc[start]
    masked = ids["invalid_probes"].to_numpy() != ""
    stored = binned.counts_of(ids["window_id"].to_numpy()).transpose(0, 2, 1).astype(np.int64)
    moved = np.abs(counts - stored)[~masked].sum()
    at_edge = (np.abs(times * 50 - np.round(times * 50)) < AT_AN_EDGE_S * 50).sum()
    assert moved <= 2 * at_edge
    for i in np.flatnonzero(~masked):
        ours, unit_rows = poyo.spikes(int(rows.loc[start[i], "window_id"]))
        here = slice(ends[i] - n[i], ends[i])
        order = np.lexsort((unit_rows, ours))
        np.testing.assert_array_equal(times[here], ours[order])
        np.testing.assert_array_equal(units[here], unit_rows[order])


@pytest.mark.parametrize("source", SOURCES)
def test_its_own_file_of_what_it_read_has_the_same_bytes(theirs: Found, source: str) -> None:
    assert theirs[f"{source}/rewritten"].tolist() == []


@pytest.mark.parametrize("source", SOURCES)
def test_the_data_set_returns_the_splits_and_a_second_has_as_many_rows_as_the_rate(theirs: Found, source: str) -> None:
    train, valid, val, test = (theirs[f"{source}/split/{name}"] for name in ("train", "valid", "val", "test"))
    np.testing.assert_array_equal(valid, val)
    assert train[-1, 1] < valid[0, 0] < valid[-1, 1] < test[0, 0]
    rate, *sizes = theirs[f"{source}/rows_of_a_second"].tolist()
    assert sizes == [rate]


@pytest.mark.parametrize("source", SOURCES)
def test_samples_may_hold_only_what_is_asked_for(theirs: Found, source: str) -> None:
    same, has_trials, had_trials = theirs[f"{source}/only"].tolist()
    assert (same, has_trials, had_trials) == (True, False, source != "allen_vc")


@pytest.mark.parametrize("task", [choice, reward, stimulus_contrast, whisker_motion_energy, wheel_speed, licking_rate])
def test_the_benchmark_draws_the_windows_that_its_tasks_have_here(theirs: Found, store: OpenedStore, task) -> None:
    data = task(store.session("ibl", store.sessions("ibl")["session_id"][0]))
    for split in ("train", "val", "test"):
        windows = theirs[f"ibl/bench/{task.__name__}/{split}"]
        whole = windows[np.abs(windows[:, 1] - windows[:, 0] - 1) < 1e-9]
        np.testing.assert_array_equal(whole[:, 0], data.starts[data.split == split])
        assert theirs.get(f"ibl/bench/{task.__name__}/{split}/rows", [50])[0] == 50
