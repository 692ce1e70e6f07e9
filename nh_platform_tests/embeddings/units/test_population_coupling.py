"""Population coupling against numpy's own correlation, and where it is undefined."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from nh_platform.embeddings import unit_embeddings
from nh_platform.embeddings.units.unit_features import population_coupling
from nh_platform.windows import Grid
from nh_platform.windows.valid_time import InvalidTimes
from nh_platform_tests.windows.trains import spikes_of, units_of


def test_it_is_the_correlation_with_the_summed_other_units() -> None:
    counts = np.random.default_rng(0).poisson(2, (5, 400)).astype(np.uint8)
    counts[1] += counts[0]
    found = population_coupling(counts)
    for unit in range(5):
        others = np.delete(counts, unit, axis=0).sum(axis=0)
        assert found[unit] == pytest.approx(np.corrcoef(counts[unit], others)[0, 1], abs=1e-6)
    assert found[0] > found[2] + 0.2


def test_counts_that_overflow_one_byte_in_sum_are_summed_right() -> None:
    counts = np.zeros((4, 6), dtype=np.uint8)
    counts[:, ::2] = 200
    assert population_coupling(counts).tolist() == pytest.approx([1.0] * 4)


def coupling(counts: npt.NDArray[np.uint8], window: str = "whole-session", *bad: tuple[float, float]) -> list[float]:
    """Return the coupling in `unit_embeddings` of counts in bins of 1 s, of which a probe recorded some badly."""
    spikes = spikes_of(*([1.5, 299.5] for _ in counts))
    invalid = InvalidTimes(np.zeros((0, 2)), np.zeros((0, 2)), {"probe00": np.array(bad).reshape(-1, 2)})
    units = units_of(*["probe00"] * len(counts))
    return unit_embeddings(spikes, units, window, invalid, Grid(1_000_000, 0, counts, 9))[
        "population_coupling"
    ].tolist()


def test_bins_that_a_probe_recorded_badly_are_left_out() -> None:
    counts = np.random.default_rng(1).poisson(2, (4, 300)).astype(np.uint8)
    clean = population_coupling(counts[:, :200]).tolist()
    counts[:2, 200:] = 0  # what a mask leaves
    assert population_coupling(counts)[0] > clean[0] + 0.1
    assert coupling(counts) == population_coupling(counts).tolist()
    assert coupling(counts, "whole-session", (200.0, 300.0)) == clean
    assert np.isnan(coupling(counts, "whole-session", (0.0, 300.0))).all()


def test_a_reference_window_takes_no_bin_from_beyond_its_end() -> None:
    counts = np.random.default_rng(1).poisson(2, (4, 300)).astype(np.uint8)
    assert coupling(counts, "start-30s") == population_coupling(counts[:, :31]).tolist()  # 1.5 s + 30 s


@pytest.mark.parametrize("shape", [(0, 10), (3, 0), (1, 10)])
def test_without_units_bins_or_others_it_is_undefined(shape: tuple[int, int]) -> None:
    found = population_coupling(np.ones(shape, dtype=np.uint8))
    assert found.shape == (shape[0],)
    assert np.isnan(found).all()
