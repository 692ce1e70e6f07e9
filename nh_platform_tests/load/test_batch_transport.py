"""A batch that was packed into one buffer is the same batch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nh_platform.load import Batches, WindowSet
from nh_platform.load.batch_transport import SMALL, pack, unpack
from nh_platform_tests.load.conftest import FIRST

GRID = "continuous-1s"


def sent(batch) -> dict[str, np.ndarray]:
    made: list[np.ndarray] = []

    def new_buffer(n_bytes) -> np.ndarray:
        made.append(np.full(n_bytes, 77, dtype=np.uint8))
        return made[0]

    pieces = pack(batch, new_buffer)
    return unpack(made[0], pieces)


def check(batch) -> None:
    held = {name: value for name, value in vars(batch).items() if value is not None}
    found = sent(batch)
    assert found.keys() == held.keys()
    for name, value in held.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("kind", ["counts", "events"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_every_array_arrives_as_it_was(both, kind, dropout) -> None:
    ws = WindowSet(both, GRID, kind=kind, units={FIRST: ["b"]}, embeddings=True, only_valid=False)
    batches = list(Batches(ws, 5, seed=3, unit_dropout=dropout))
    assert not all(batch.valid[batch.unit_mask].all() for batch in batches)  # some have invalid times
    for batch in batches:
        check(batch)


def test_more_units_than_fit_in_two_bytes_and_no_spikes(first) -> None:
    batch = next(iter(Batches(WindowSet(first, GRID, kind="events"), 1, shuffle=False)))
    many = np.arange(40_000)[np.newaxis]
    wide = dataclasses.replace(batch, units=many, unit_mask=many >= 0, valid=np.ones((1, 40_000, 1), dtype=bool))
    check(dataclasses.replace(wide, unit_index=np.full_like(batch.unit_index, 39_999)))
    nothing = {"times": np.zeros((1, 0)), "unit_index": np.zeros((1, 0), np.int64), "spike_mask": np.ones((1, 0), bool)}
    check(dataclasses.replace(batch, **nothing))


def test_small_arrays_do_not_keep_the_buffer(first) -> None:
    batch = next(iter(Batches(WindowSet(first, GRID), 2)))
    large = np.zeros((2, 1, SMALL), dtype=np.uint8)
    found = sent(dataclasses.replace(batch, counts=large))
    assert found["counts"].base is not None
    assert found["start"].base is None
    assert found["start"].flags.writeable
