"""Values grouped by unit are those of a stable sort, whatever they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.sources.ibl.session.grouping import ByUnit


@given(st.integers(1, 40), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_it_is_a_stable_sort(n_units: int, n_spikes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    units, values = rng.integers(0, n_units, n_spikes), rng.normal(size=n_spikes)
    values[rng.random(n_spikes) < 0.2] = rng.choice([0.0, -0.0, np.nan, np.inf])
    grouped = ByUnit(units, n_units)
    assert grouped(values).tobytes() == values[np.argsort(units, kind="stable")].tobytes()
    assert grouped.counts.tolist() == np.bincount(units, minlength=n_units).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.uint64])
def test_types_stay_and_units_may_be_of_any(dtype: type, kind: type) -> None:
    found = ByUnit(np.array([2, 0, 2, 1], dtype=kind), 5)(np.array([1, 2, 3, 4], dtype=dtype))
    assert found.dtype == dtype
    assert found.tolist() == [2, 4, 1, 3]


def test_nothing_is_grouped_of_nothing() -> None:
    assert ByUnit(np.zeros(0, dtype=np.int64), 0)(np.zeros(0)).size == 0


@pytest.mark.parametrize("stray", [-1, 3, 2**31 - 1])
def test_a_row_that_is_no_unit_is_refused(stray: int) -> None:
    with pytest.raises(IndexError, match=f"spike 2 is of row {stray}, and there are 3 units"):
        ByUnit(np.array([0, 2, stray]), 3)


@pytest.mark.parametrize("n_values", [0, 2, 4])
def test_each_spike_has_a_value(n_values: int) -> None:
    with pytest.raises(ValueError, match="spikes"):
        ByUnit(np.array([0, 2, 1]), 3)(np.zeros(n_values))
