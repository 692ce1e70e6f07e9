"""Crops of windows, regions as numbers of the vocabulary, and what samples and batches print."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.load import Batches, Vocabulary, WindowSet
from nh_platform.session import ConfigError
from nh_platform_tests.load.test_window_set import GRID


@pytest.mark.parametrize("kind", ["counts", "events"])
def test_a_crop_is_a_stretch_of_its_window_that_the_seed_and_the_epoch_decide(first, kind) -> None:
    ws = WindowSet(first, GRID, kind=kind)
    n_bins = ws[0].masked.shape[1]
    width = (ws[0].stop - ws[0].start) / n_bins
    length = (n_bins // 2) * width
    batches = Batches(ws, 4, seed=3, crop_s=length)
    first_epoch = [batches.batch(k) for k in range(len(batches))]
    starts = set()
    for batch in first_epoch:
        np.testing.assert_allclose(batch.stop - batch.start, length)
        for row, number in enumerate(batch.windows):
            whole = ws[int(number)]
            place = round((batch.start[row] - whole.start) / width)
            starts.add(place)
            if kind == "counts":
                assert batch.counts.shape[2] == n_bins // 2
                np.testing.assert_array_equal(batch.counts[row], whole.counts[:, place : place + n_bins // 2])
            else:
                low = batch.start[row] - whole.start
                inside = (whole.times >= low - 1e-9) & (whole.times < low + length - 1e-9)
                got = batch.times[row][batch.spike_mask[row]]
                np.testing.assert_allclose(got, whole.times[inside] - low, atol=1e-9)
    assert len(starts) > 1
    again = Batches(ws, 4, seed=3, crop_s=length)
    assert [one.start.tolist() for one in first_epoch] == [again.batch(k).start.tolist() for k in range(len(again))]
    batches.set_epoch(1)
    assert [batches.batch(k).start.tolist() for k in range(len(batches))] != [one.start.tolist() for one in first_epoch]
    with pytest.raises(ConfigError, match="crop_s"):
        again.load_state_dict(Batches(ws, 4, seed=3).state_dict())


def test_a_crop_that_cannot_be_is_refused(first) -> None:
    ws = WindowSet(first, GRID)
    width = (ws[0].stop - ws[0].start) / ws[0].masked.shape[1]
    with pytest.raises(ConfigError, match="do not add up to"):
        Batches(ws, 1, crop_s=1.5 * width).batch(0)
    with pytest.raises(ConfigError, match="it is no time"):
        Batches(ws, 1, crop_s=0.0)
    whole = Batches(ws, 1, crop_s=1e6, shuffle=False).batch(0)
    np.testing.assert_array_equal(whole.counts[0], ws[0].counts)


def test_regions_of_a_batch_are_numbers_that_are_kept(first, tmp_path) -> None:
    words = Vocabulary()
    words.add_regions(["elsewhere"])
    ws = WindowSet(first, GRID, vocabulary=words)
    batch = Batches(ws, 2).batch(0)
    named = [None if one < 0 else words.regions[one] for one in batch.regions[0]]
    assert named == ws[int(batch.windows[0])].regions.tolist()
    words.save(tmp_path / "words.json")
    assert Vocabulary.load(tmp_path / "words.json").regions == words.regions
    (tmp_path / "old.json").write_text('{"sessions": [], "units": []}')
    assert Vocabulary.load(tmp_path / "old.json").regions == []


def test_a_probe_that_is_invalid_is_left_out_of_windows_without_bins(first) -> None:
    from nh_platform.load.window_set import _masked

    class Preset:
        bin_us = None

    index = first.windows(GRID).index.head(3).assign(invalid_probes=["", "probe00", "other"])
    assert _masked(None, Preset(), False, index, ("probe00", "probe01")) == {1: [(0, 0, 1)], 2: []}


def test_samples_and_batches_print_no_arrays(first) -> None:
    counts, events = WindowSet(first, GRID), WindowSet(first, GRID, kind="events")
    n_units = len(counts[0].unit_ids)
    assert repr(counts[0]).endswith(f"units={n_units}, bins={counts[0].masked.shape[1]})")
    assert "spikes=" in repr(events[0])
    assert repr(Batches(counts, 2).batch(0)).startswith(f"Batch(windows=2, units up to {n_units}, bins=")
    assert len(repr(Batches(events, 2).batch(0))) < 80
