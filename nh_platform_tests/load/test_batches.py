"""Batches are the same for a seed in any process, shared without overlap, and go on where they were left."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

from nh_platform.load import Batches, WindowSet
from nh_platform.load.batch import PADDING
from nh_platform.session import ConfigError
from nh_platform_tests.load.conftest import FIRST

GRID = "continuous-1s"


def members(batches) -> list[list[int]]:
    return [batch.windows.tolist() for batch in batches]


def flat(batches) -> list[int]:
    return [i for batch in batches for i in batch]


def equal(one, other) -> bool:
    same = []
    for name, value in vars(one).items():
        there = getattr(other, name)
        same.append(there is None if value is None else np.array_equal(value, there, equal_nan=value.dtype.kind == "f"))
    return all(same)


@pytest.mark.parametrize("kind", ["counts", "events"])
def test_a_batch_holds_its_samples_padded(both, kind) -> None:
    ws = WindowSet(both, GRID, kind=kind, units={FIRST: ["b"]}, embeddings=True)
    for batch in Batches(ws, 5, seed=3):
        for row, i in enumerate(batch.windows):
            sample = ws[int(i)]
            n = len(sample.unit_ids)
            assert (batch.start[row], batch.sessions[row]) == (sample.start, sample.session_number)
            assert batch.units[row].tolist() == [*sample.unit_numbers, *[PADDING] * (batch.units.shape[1] - n)]
            np.testing.assert_array_equal(batch.unit_mask[row], batch.units[row] >= 0)
            np.testing.assert_array_equal(batch.valid[row, :n], ~sample.masked[sample.unit_probe])
            assert not batch.valid[row, n:].any()
            np.testing.assert_array_equal(batch.embeddings[row, :n], sample.embeddings)
            if kind == "counts":
                np.testing.assert_array_equal(batch.counts[row, :n], sample.counts)
                assert not batch.counts[row, n:].any()
            else:
                shown = batch.spike_mask[row]
                np.testing.assert_array_equal(batch.times[row][shown], sample.times)
                np.testing.assert_array_equal(batch.unit_index[row][shown], sample.unit_index)


def test_every_window_comes_once_an_epoch_in_an_order_of_its_own(both) -> None:
    ws = WindowSet(both, GRID)
    batches = Batches(ws, 4, seed=1)
    epochs = [members(batches) for _ in range(2)]
    assert batches.epoch == 2
    for epoch in epochs:
        assert sorted(flat(epoch)) == list(range(len(ws)))
    assert epochs[0] != epochs[1]
    assert members(Batches(ws, 4, seed=1, epoch=1)) == epochs[1]
    assert members(Batches(ws, 4, seed=2)) != epochs[0]
    assert flat(members(Batches(ws, 4, shuffle=False))) == list(range(len(ws)))


@pytest.mark.parametrize("drop_last", [False, True])
def test_ranks_share_the_windows(both, drop_last) -> None:
    ws = WindowSet(both, GRID)
    ranks = [members(Batches(ws, 3, seed=5, rank=r, world_size=2, drop_last=drop_last)) for r in range(2)]
    dealt = [i for rank in ranks for batch in rank for i in batch]
    assert len(dealt) == len(set(dealt))
    if drop_last:
        assert len(ranks[0]) == len(ranks[1])
        assert {len(batch) for rank in ranks for batch in rank} == {3}
    else:
        assert sorted(dealt) == list(range(len(ws)))


def test_buckets_hold_windows_of_as_many_units(both) -> None:
    ws = WindowSet(both, GRID, units={FIRST: ["b"]})
    mixed = [len(set(ws.n_units[batch])) for batch in members(Batches(ws, 3, bucket_by_units=True))]
    assert sorted(mixed)[:-1] == [1] * (len(mixed) - 1)
    assert sorted(flat(members(Batches(ws, 3, bucket_by_units=True)))) == list(range(len(ws)))


@pytest.mark.parametrize("kind", ["counts", "events"])
def test_units_are_left_out_at_random_and_one_stays(first, kind) -> None:
    ws = WindowSet(first, GRID, kind=kind)
    for options in ({"max_units": 2}, {"unit_dropout": 0.9}):
        seen = set()
        for batch in Batches(ws, 1, seed=1, **options):
            sample = ws[int(batch.windows[0])]
            units = batch.units[0]
            seen.add(tuple(units))
            assert 1 <= len(units) <= 2 or "unit_dropout" in options
            if kind == "counts":
                np.testing.assert_array_equal(batch.counts[0], sample.counts[units])
            else:
                wanted = np.isin(sample.unit_index, units)
                np.testing.assert_array_equal(batch.times[0], sample.times[wanted])
                np.testing.assert_array_equal(units[batch.unit_index[0]], sample.unit_index[wanted])
        assert len(seen) > 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_two_workers_give_the_same_batches_and_go_on_in_mid_epoch(both, method) -> None:
    def made() -> Batches:
        return Batches(WindowSet(both, GRID), 3, seed=7, unit_dropout=0.3)

    expected = list(made())
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = list(pool.imap(made().batch, range(len(expected))))
        assert all(equal(one, other) for one, other in zip(found, expected, strict=True))
        stopped = made()
        for _, _batch in zip(range(2), stopped):
            pass
        state = stopped.state_dict()
        resumed = made()
        resumed.load_state_dict(state)
        assert (resumed.position, state["next"]) == (2, 2)
        rest = list(pool.imap(resumed.batch, range(resumed.position, len(resumed))))
        pool.close()  # workers end by themselves: a forked one whose parent handles SIGTERM may not end by it
        pool.join()
    assert all(equal(one, other) for one, other in zip(rest, expected[2:], strict=True))
    assert all(equal(one, other) for one, other in zip(resumed, expected[2:], strict=True))


def test_a_state_of_other_settings_is_refused_with_what_differs(both) -> None:
    ws = WindowSet(both, GRID)
    state = Batches(ws, 3).state_dict()
    with pytest.raises(ConfigError, match="batch_size 3, now 4; seed 0, now 1"):
        Batches(ws, 4, seed=1).load_state_dict(state)
    with pytest.raises(ConfigError, match="windows "):
        Batches(WindowSet(both[:1], GRID), 3).load_state_dict(state)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"batch_size": 0}, "batch_size = 0"),
        ({"batch_size": 2, "rank": 2, "world_size": 2}, "rank = 2: there are 2 ranks"),
        ({"batch_size": 2, "unit_dropout": 1.0}, "unit_dropout = 1.0"),
        ({"batch_size": 2, "max_units": 0}, "max_units = 0"),
        ({"batch_size": 999, "drop_last": True}, "none is left for rank 0"),
    ],
)
def test_values_that_cannot_be_are_refused(first, options, found) -> None:
    with pytest.raises(ConfigError, match=found):
        Batches(WindowSet(first, GRID), **options)


def test_memory_does_not_grow_over_epochs(both) -> None:
    import tracemalloc

    batches = Batches(WindowSet(both, GRID), 4, seed=1)
    list(batches)
    tracemalloc.start()
    sizes = []
    for _ in range(3):
        for _batch in batches:
            pass
        del _batch
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[2] - sizes[0] < 50_000
