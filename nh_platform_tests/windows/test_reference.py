"""On a real insertion every spike is counted once and the kernels equal numpy's own; on real gabors nothing is grey."""

from pathlib import Path

import numpy as np
import pytest

from nh_platform.embeddings import unit_embeddings
from nh_platform.embeddings.units.robustness import disjoint_windows, robustness
from nh_platform.embeddings.units.unit_quality import unit_quality
from nh_platform.embeddings.units.window_places import used_window
from nh_platform.session import Spikes
from nh_platform.windows import bin_events, bin_session
from nh_platform.windows.presentations.window_presentations import presentations_in_windows
from nh_platform.windows.unrecorded_time import with_pauses
from nh_platform.windows.valid_time import NOTHING_INVALID
from nh_platform_tests.windows.trains import edges_by_hand, spikes_of, units_of


@pytest.fixture(scope="module")
def spikes(reference_dir: Path) -> Spikes:
    folder = reference_dir / "ibl_mini_session"
    times, clusters = np.load(folder / "spikes.times.npy"), np.load(folder / "spikes.clusters.npy")
    return spikes_of(*(np.sort(times[clusters == cluster]) for cluster in range(262)))


@pytest.mark.reference
def test_a_real_session_is_counted_once_and_equals_numpy(spikes) -> None:
    grid = bin_session(spikes, 20_000)
    assert grid.counts.sum(dtype=int) == len(spikes.times) == 126_437
    assert np.array_equal(grid.counts.sum(axis=1, dtype=int), spikes.counts)
    edges = edges_by_hand(grid.start_bin * 20_000, grid.counts.shape[1], 20_000)
    for unit in range(spikes.n_units):
        # histogram closes its last bin, so one more edge is given and its bin dropped
        expected = np.histogram(spikes.of_unit(unit), np.append(edges, edges[-1] + 1))[0][:-1]
        assert np.array_equal(grid.counts[unit], np.minimum(expected, 255))


@pytest.mark.reference
def test_real_trials_equal_searchsorted(spikes, reference_dir: Path) -> None:
    import pandas as pd

    trials = pd.read_parquet(reference_dir / "ibl_mini_session" / "trials.pqt")
    events = trials["stimOn_times"].dropna().to_numpy(dtype=np.float64)
    counted = bin_events(spikes, events, -500_000, 50, 20_000)
    relative = edges_by_hand(-500_000, 50, 20_000)
    assert len(events) > 0
    assert counted.counts.sum() > 0
    for window, event in enumerate(events):
        for unit in range(spikes.n_units):
            expected = np.diff(np.searchsorted(spikes.of_unit(unit), event + relative))
            assert np.array_equal(counted.counts[window, unit], expected)


@pytest.mark.reference
def test_features_of_real_units_are_in_the_range_of_neurons(spikes) -> None:
    table = unit_embeddings(spikes, units_of(*["probe00"] * spikes.n_units))
    assert int((table["n_spikes"] > 0).sum()) == 251
    busy = table[table["n_spikes"] > 500]
    assert busy[["isi_cv2", "isi_lv", "isi_lvr"]].notna().all(axis=None)
    assert busy["isi_cv2"].between(0.3, 1.7).all()
    assert busy["isi_lv"].between(0.1, 2.5).all()


@pytest.mark.reference
def test_real_units_are_known_again_in_another_part_of_the_recording(spikes) -> None:
    units, invalid = units_of(*["probe00"] * spikes.n_units), with_pauses(NOTHING_INVALID, spikes.recorded_time)
    quality = unit_quality(unit_embeddings(spikes, units, invalid=invalid))
    assert quality.problems == ()
    assert quality.n_silent == 47
    pairs = disjoint_windows(spikes, used_window(spikes, "start-30s"))
    assert len(pairs) == 4
    for first, second in pairs:  # pauses are in none of them
        found = robustness(spikes, units, first, second, invalid)
        assert len(found.unit_ids) >= 140
        assert found.times_chance >= 5
        assert np.median(found.correlation) > np.median(found.other_correlation) + 0.3


@pytest.mark.reference
@pytest.mark.parametrize("session", ["715093703", "768515987"])
def test_windows_around_real_gabors_name_all_that_they_overlap_and_no_grey(reference_dir: Path, session) -> None:
    import pandas as pd

    table = pd.read_csv(reference_dir / "allen_vc" / f"session_{session}" / "gabor_trial_gaze_table.csv")
    table = table.rename(columns={"stimulus_presentation_id": "presentation_id"})
    onsets, stops = table["start_time"].to_numpy(), table["stop_time"].to_numpy()
    found = presentations_in_windows(onsets - 0.05, onsets + 0.5, table, table["presentation_id"].to_numpy())
    for window, onset in enumerate(onsets):
        on = (onsets < onset + 0.5) & (stops > onset - 0.05)
        assert np.array_equal(found.ids_of(window), table["presentation_id"][on])
    # A gabor lasts 0.2502 s: the 50 ms before its onset are the one before, the last 250 ms are the next.
    assert set(np.diff(found.offsets)[1:-2]) == {3}
    assert found.is_aligned.sum() == len(table)
    assert len(found.grey_start) == 0
    np.testing.assert_array_equal(np.flatnonzero(found.unstated_s > 0), [0, len(table) - 1])
    seconds = np.bincount(found.window, found.seconds) + found.unstated_s
    np.testing.assert_allclose(seconds, 0.55, rtol=0, atol=1e-9)
