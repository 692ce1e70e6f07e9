"""Whatever the trains, dtypes and defects: no exception, and a number wherever the definition gives one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nh_platform.qc.metrics import METRICS, compute_metrics, unit_histograms
from nh_platform.qc.metrics.definitions.ibl_labels import DERIVED
from nh_platform.qc.metrics.interval_histograms import ISI
from nh_platform.session import Spikes
from nh_platform_tests.qc.metrics import plain
from nh_platform_tests.qc.metrics.trains import units_of

SETTINGS = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
ALL = list(METRICS)

finite_time = st.one_of(
    st.integers(-50_000_000, 5_000_000_000).map(lambda us: us / 1e6),
    st.integers(0, 90000).map(lambda sample: sample / 30000),
    st.sampled_from([0.0, 1.0, 10.0]),
)
finite_amplitude = st.one_of(st.floats(1e-7, 1e-3), st.sampled_from([1e-4, 5e-5]))
any_time = st.one_of(finite_time, st.sampled_from([np.nan, np.inf, -np.inf, 1e12, -1e300]))
any_amplitude = st.one_of(finite_amplitude, st.floats(width=32), st.sampled_from([0.0, -1e-4, np.nan, np.inf, 1e308]))
any_depth = st.one_of(st.floats(0, 4000), st.sampled_from([np.nan, -1.0]))


@st.composite
def sessions(draw, times, amplitudes, depths, dtypes=(np.float64,)) -> Spikes:
    units = draw(st.lists(st.lists(st.tuples(times, amplitudes, depths), max_size=30), min_size=1, max_size=5))
    copies = draw(st.sampled_from([1, 1, 1, 40]))
    rows = np.array([row for unit in units for row in unit * copies], float).reshape(-1, 3)
    offsets = np.concatenate([[0], np.cumsum([len(unit) * copies for unit in units])]).astype(np.int64)
    kinds = [draw(st.sampled_from(dtypes)) for _ in range(3)]
    with np.errstate(all="ignore"):
        arrays = [column.astype(kind) for column, kind in zip(rows.T, kinds)]
    return Spikes(arrays[0], offsets, arrays[1], arrays[2])


SMALLEST = np.iinfo(np.int64).min


@SETTINGS
@example(Spikes(np.array([SMALLEST]), np.array([0, 0, 1]), np.array([1e-4]), np.array([0.0])))
@given(sessions(any_time, any_amplitude, any_depth, (np.float64, np.float32, np.int64)))
def test_no_input_raises_and_every_column_is_typed_and_finite(spikes) -> None:
    table, notes = compute_metrics(spikes, units_of(spikes), ALL, n_threads=1)
    assert {name: str(table[name].dtype) for name in table} == {name: METRICS[name].dtype for name in ALL}
    assert not np.isinf(table.to_numpy(float)).any()
    histograms, _ = unit_histograms(spikes, units_of(spikes), n_threads=1)
    assert all((made.counts >= 0).all() for made in histograms.values())
    assert (histograms[ISI].counts.sum(axis=1) <= np.maximum(spikes.counts - 1, 0)).all()
    assert (table["ibl.spike_count@2022-10"] == spikes.counts).all()
    for unit in range(spikes.n_units):
        part = slice(spikes.offsets[unit], spikes.offsets[unit + 1])
        if not np.isfinite(np.asarray(spikes.amplitudes[part], float)).all():
            assert any("amplitude is NaN" in note.text for note in notes)


@SETTINGS
@given(sessions(finite_time, finite_amplitude, st.floats(0, 4000)))
def test_no_nan_where_the_definition_gives_a_number(spikes) -> None:
    sorted_spikes = _sorted(spikes)
    table, _ = compute_metrics(spikes, units_of(spikes), ALL, n_threads=1)
    tmin, tmax = sorted_spikes.time_range
    if not tmax - tmin > 1e-3:  # shorter recordings have no meaningful rate; zero duration has a test of its own
        return
    for unit in np.flatnonzero(sorted_spikes.counts):
        part = slice(sorted_spikes.offsets[unit], sorted_spikes.offsets[unit + 1])
        with np.errstate(all="ignore"):
            expected = plain.unit_metrics(
                sorted_spikes.times[part], sorted_spikes.amplitudes[part], sorted_spikes.depths[part], tmin, tmax
            )
        for metric_id in ALL:
            if metric_id not in DERIVED:
                assert table[metric_id][unit] == pytest.approx(expected[metric_id], rel=1e-8, abs=1e-9, nan_ok=True), (
                    metric_id
                )


def _sorted(spikes: Spikes) -> Spikes:
    times, amplitudes, depths = (np.array(x) for x in (spikes.times, spikes.amplitudes, spikes.depths))
    for begin, end in zip(spikes.offsets, spikes.offsets[1:]):
        order = begin + np.argsort(times[begin:end], kind="stable")
        for array in (times, amplitudes, depths):
            array[begin:end] = array[order]
    return Spikes(times, spikes.offsets, amplitudes, depths)
