"""The released metrics agree with their definitions, with known values and with the ground truth.

Add a test here with each metric. The platform's own kernels are compared with these in the tests of `qc`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from nh_platform.simulation import SimulatedSession
from nh_platform.simulation.released_metrics import (
    IBL_COLUMNS,
    SLIDING_LEVELS_PERCENT,
    allen_metrics,
    contamination,
    contamination_alt,
    ibl_metrics,
    noise_cutoff,
    sliding_refractory,
)
from nh_platform.simulation.seeding import generator

PATTERNS = {
    "clean": 0,
    "contaminated": 1,
    "cut": 2,
    "contaminated_cut": 3,
    "small": 4,
    "contaminated_small": 5,
    "cut_small": 6,
    "contaminated_cut_small": 7,
    "pair": 0,
    "drifting": 0,
    "intermittent": 0,
    "bursting": 0,
    "one_spike": 3,
    "two_spikes": 3,
    "empty": 7,
}
"""Which IBL rules a design fails, as ``bitwise_fail``: 1 refractory period, 2 noise cut-off, 4 amplitude."""


def _released(session: SimulatedSession) -> pd.DataFrame:
    tables = [
        pd.read_parquet(session.folder / f"alf/{probe}/pykilosort/#2024-05-06#/clusters.metrics.pqt")
        for probe in session.probes
    ]
    return pd.concat(tables, ignore_index=True)


def test_every_pattern_of_failed_rules_occurs_and_follows_the_design(
    ibl: tuple[Path, list[SimulatedSession]],
) -> None:
    for session in ibl[1]:
        table = pd.concat([session.truth, _released(session).drop(columns="cluster_id")], axis=1)
        assert set(table["bitwise_fail"]) == set(range(8))
        for row in table.itertuples():
            if row.design in PATTERNS:
                assert row.bitwise_fail == PATTERNS[row.design], f"{row.probe} {row.cluster_id} {row.design}"


def test_the_columns_are_those_of_a_current_sort(ibl: tuple[Path, list[SimulatedSession]]) -> None:
    table = _released(ibl[1][0])
    assert tuple(table.columns) == IBL_COLUMNS
    assert table["bitwise_fail"].dtype == np.uint8
    assert table["cluster_id"].dtype == np.int64
    old = pd.read_parquet(ibl[1][0].folder / "alf/probe00/pykilosort/clusters.metrics.pqt")
    assert "max_confidence" not in old
    assert "ks2_label" in old


def test_metrics_follow_the_truth(ibl: tuple[Path, list[SimulatedSession]]) -> None:
    session = ibl[1][0]
    truth, table = session.truth, _released(session)
    assert (table["spike_count"] == truth["n_spikes"]).all()
    many = truth["n_spikes"] > 500
    foreign = many & (truth["contamination"] > 0.1)
    assert (table.loc[foreign, "contamination"] > 0.12).all()
    assert (table.loc[many & (truth["contamination"] == 0), "contamination"] == 0).all()
    cut = many & (truth["missing"] > 0)
    np.testing.assert_allclose(table.loc[cut, "missed_spikes_est"], truth.loc[cut, "missing"], atol=0.2)
    assert (table.loc[many & (truth["missing"] == 0), "missed_spikes_est"] < 0.02).all()
    silent = truth["silent_start_s"].notna()
    assert silent.any()
    np.testing.assert_allclose(table.loc[silent, "presence_ratio"], truth.loc[silent, "presence"], atol=0.05)
    np.testing.assert_allclose(table.loc[many, "amp_median"], truth.loc[many, "amplitude_v"], rtol=0.12)


def test_sliding_refractory_equals_the_definition_by_brute_force() -> None:
    times = np.sort(generator(1, "brute").random(400) * 40.0)
    samples = np.trunc(times * 30_000).astype(int)
    lags = (samples[None, :] - samples[:, None])[np.triu_indices(400, 1)]
    rate = ((lags >= 30_000) & (lags < 60_000)).sum() / 400
    periods = (np.arange(300) + 0.5) / 30_000
    observed = np.array([(lags <= j).sum() for j in range(300)])
    levels = SLIDING_LEVELS_PERCENT[None, :] / 100
    expected = rate * levels * (periods + 0.5 / 30_000)[:, None] * 2 * 400
    confidence = 100 * (1 - poisson.cdf(observed[:, None], expected))[periods > 0.0005]
    passing = SLIDING_LEVELS_PERCENT[(confidence >= 90).any(axis=0)]
    found = sliding_refractory(times)
    assert found["max_confidence"] == pytest.approx(confidence[:, 19].max())
    assert found["n_spikes_below2"] == observed[60]
    assert found["min_contamination"] == pytest.approx(passing[0] if len(passing) else np.nan, nan_ok=True)


def test_a_clean_fast_unit_gets_the_lowest_level_that_is_decided() -> None:
    times = np.arange(0.0, 100.0, 0.05)
    found = sliding_refractory(times)
    # 20 pairs/s and no violation up to 10 ms: 90 % needs 2.303 expected = 20 * level * 0.01 * 2 * 2000.
    assert found["min_contamination"] == 0.5
    assert found["max_confidence"] == pytest.approx(100)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("unit", "max_confidence", "min_contamination", "below"),
    [(167, 0.7968, np.nan, 0), (274, 100.0, 0.5, 2), (275, 53.884, 15.0, 99)],
)
def test_sliding_refractory_of_three_real_units(
    reference_dir: Path, unit: int, max_confidence: float, min_contamination: float, below: int
) -> None:
    times = np.load(reference_dir / "sliding_rp/spikes.times.npy").ravel().astype(np.float64)
    clusters = np.load(reference_dir / "sliding_rp/spikes.clusters.npy").ravel()
    found = sliding_refractory(times[clusters == unit])
    assert found["max_confidence"] == pytest.approx(max_confidence, abs=1e-3)
    assert found["min_contamination"] == pytest.approx(min_contamination, nan_ok=True)
    assert found["n_spikes_below2"] == below


def test_contamination_by_hand() -> None:
    # ISIs 0.05 ms (a duplicate for brainbox), 1 ms (a violation), 1 s, 1 s.
    times = np.array([1.0, 1.00005, 1.00105, 2.00105, 3.00105])
    assert contamination(times, 10.0, 0.0001) == pytest.approx((1 / (2 * 4 * 0.0014)) / (4 / 10))
    assert contamination(times, 10.0, 0.0) == pytest.approx((2 / (2 * 5 * 0.0015)) / (5 / 10))
    c = (times[-1] - times[0]) * 2 / (2 * 0.0015 * 25)
    assert contamination_alt(times) == pytest.approx(np.abs(np.roots([-1, 1, c])).min())


def test_units_of_few_spikes_have_the_values_that_brainbox_gives() -> None:
    times = np.array([5.0, 1.0, 9.0, 0.0, 50.0])
    table = ibl_metrics(times, np.array([0, 1, 3, 3, 5]), np.full(5, 80e-6), np.full(5, 100.0))
    one, two, empty = table.iloc[0], table.iloc[1], table.iloc[2]
    for row in (one, two):
        assert row["max_confidence"] == 0
        assert np.isnan(row["min_contamination"])
        assert np.isnan(row["noise_cutoff"])
        assert row["contamination"] == row["contamination_alt"] == 0
        assert row["label"] == pytest.approx(1 / 3)
        assert row["bitwise_fail"] == 3
    assert np.isnan(one["amp_std_dB"])
    assert empty["spike_count"] == 0
    assert empty["bitwise_fail"] == 7
    assert np.isnan(empty["firing_rate"])


def test_noise_cutoff_is_large_for_a_cut_and_small_for_a_whole_distribution() -> None:
    amplitudes = 100e-6 + 12e-6 * generator(2, "amp").standard_normal(5000)
    assert noise_cutoff(amplitudes) < 0
    assert noise_cutoff(amplitudes[amplitudes > 92e-6]) > 5
    assert np.isnan(noise_cutoff(amplitudes[:1]))


def test_allen_presence_is_at_best_099_and_the_cutoff_at_most_half() -> None:
    rng = generator(4, "allen")
    times = np.concatenate([np.sort(rng.random(9000) * 900), np.sort(rng.random(2000) * 450)])
    amplitudes = 100e-6 + 10e-6 * rng.standard_normal(11000)
    amplitudes[9000:] = np.abs(amplitudes[9000:] - 100e-6) + 100e-6
    table = allen_metrics(times, np.array([0, 9000, 11000, 11000]), amplitudes, np.full(11000, 50.0))
    assert table["presence_ratio"].iloc[0] == 0.99
    assert table["presence_ratio"].iloc[1] == pytest.approx(0.5, abs=0.01)
    assert table["amplitude_cutoff"].iloc[0] < 0.01
    assert table["amplitude_cutoff"].iloc[1] == pytest.approx(0.5, abs=0.02)
    assert table.iloc[2].isna().all()
