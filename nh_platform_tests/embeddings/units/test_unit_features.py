"""Features of hand-made trains have the values that the formulas give on paper."""

import numpy as np
import pandas as pd
import pytest

from nh_platform.embeddings import ReferenceWindow, feature_names, unit_embeddings
from nh_platform.session import ConfigError
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.windows.valid_time import invalid_times
from nh_platform_tests.windows.trains import events_of, spikes_of, units_of


def features_of(*trains, window="whole-session") -> pd.DataFrame:
    return unit_embeddings(spikes_of(*trains), units_of(*["probe00"] * len(trains)), window)


def with_invalid(trains, probes, *bad, window="whole-session") -> pd.DataFrame:
    table = {
        "start_time": [row[0] for row in bad],
        "stop_time": [row[1] for row in bad],
        "scope": [row[2] for row in bad],
        "label": [None] * len(bad),
    }
    invalid = invalid_times(events_of(invalid_times=table), list(probes))
    return unit_embeddings(spikes_of(*trains), units_of(*probes), window, invalid)


def test_interval_features_by_hand() -> None:
    # ISIs 1, 3, 1 s
    row = features_of([0.0, 1.0, 4.0, 5.0]).iloc[0]
    assert row["n_spikes"] == 4
    assert row["rate_hz"] == pytest.approx(0.8)
    assert row["log10_rate"] == pytest.approx(np.log10(0.8))
    assert row["isi_mean_s"] == pytest.approx(5 / 3)
    assert row["isi_median_s"] == 1
    assert row["isi_cv"] == pytest.approx(np.sqrt(8) / 5)  # variance 8/9 around 5/3
    assert row["isi_cv2"] == pytest.approx(1.0)  # 2 · 2/4 for both pairs
    assert row["isi_lv"] == pytest.approx(0.75)  # 3 · (2/4)²
    assert row["isi_lvr"] == pytest.approx(0.75 * (1 + 4 * 0.005 / 4))
    assert row["isi_below_10ms"] == 0


def test_a_regular_train_has_no_variation() -> None:
    row = features_of(np.arange(0, 100) * 0.25).iloc[0]
    assert row[["isi_cv", "isi_cv2", "isi_lv", "isi_lvr"]].tolist() == [0, 0, 0, 0]
    assert row["fano_factor"] == 0
    assert row["rate_std_hz"] == 0


def test_a_poisson_train_is_near_one() -> None:
    rng = np.random.default_rng(1)
    row = features_of(np.cumsum(rng.exponential(0.1, 20_000))).iloc[0]
    assert row["isi_cv"] == pytest.approx(1, abs=0.03)
    assert row["isi_cv2"] == pytest.approx(1, abs=0.03)
    assert row["isi_lv"] == pytest.approx(1, abs=0.03)
    assert row["fano_factor"] == pytest.approx(1, abs=0.08)


def test_short_intervals_are_shares_and_strictly_below() -> None:
    # 2.5 ms and 10 ms exactly (in binary fractions) are not below
    row = features_of([0.0, 0.002, 0.006, 0.026]).iloc[0]
    assert row["isi_below_2_5ms"] == pytest.approx(1 / 3)
    assert row["isi_below_10ms"] == pytest.approx(2 / 3)


def test_the_interval_histogram_sums_to_one_and_its_ends_are_open() -> None:
    row = features_of([0.0, 0.0005, 0.0017, 0.0517, 30.0]).iloc[0]
    histogram = row[[name for name in feature_names() if name.startswith("isi_hist_")]].to_numpy(dtype=float)
    assert histogram.sum() == pytest.approx(1)
    # 0.5 and 1.2 ms in the first bin, 50 ms in [39.8, 63.1) ms, 29.9 s in the last
    assert np.flatnonzero(histogram).tolist() == [0, 8, 19]
    assert histogram[0] == pytest.approx(0.5)


def test_rate_deviation_and_fano_by_hand() -> None:
    # counts per second after the first spike: 3, 1, 0, 0; the last spike at 4.0 s is outside the whole seconds
    row = features_of([0.0, 0.1, 0.2, 1.5, 4.0]).iloc[0]
    assert row["rate_std_hz"] == pytest.approx(np.std([3, 1, 0, 0]))
    assert row["fano_factor"] == pytest.approx(np.var([3, 1, 0, 0]) / 1)


def test_units_with_no_one_or_two_spikes_are_nan_where_undefined() -> None:
    table = features_of([], [5.0], [4.0, 6.0], [0.0, 10.0])
    assert table["n_spikes"].tolist() == [0, 1, 2, 2]
    assert table["rate_hz"].tolist() == pytest.approx([0, 0.1, 0.2, 0.2])
    assert table["log10_rate"].isna().tolist() == [True, False, False, False]
    assert table["isi_mean_s"].isna().tolist() == [True, True, False, False]
    assert table[["isi_cv", "isi_cv2", "isi_lv", "isi_lvr"]].isna().all(axis=None)
    assert table["isi_hist_19"].isna().tolist() == [True, True, False, False]
    assert table["fano_factor"].isna().tolist() == [True, False, False, False]


def test_identical_times_do_not_divide_by_zero() -> None:
    row = features_of([1.0, 1.0, 1.0, 2.0]).iloc[0]
    assert row["isi_cv2"] == pytest.approx(2.0)  # the pair (0, 0) is left out, the pair (0, 1) remains
    assert features_of([1.0, 1.0, 1.0]).iloc[0][["isi_cv", "isi_cv2", "rate_hz"]].isna().all()


def test_a_start_window_counts_from_the_first_spike_of_the_session() -> None:
    table = features_of([100.0, 105.0, 129.999, 130.0], [200.0], window="start-30s")
    assert table["n_spikes"].tolist() == [3, 0]
    assert table["rate_hz"].tolist() == pytest.approx([0.1, 0])
    own = ReferenceWindow("ten-to-thirty", 10.0, 30.0)
    assert features_of([100.0, 105.0, 129.999, 130.0], window=own)["n_spikes"].tolist() == [1]


@pytest.mark.parametrize("trains", [[], [[]], [[], []]])
def test_sessions_without_spikes_give_a_typed_table(trains) -> None:
    table = features_of(*trains)
    UNIT_EMBEDDINGS.validate(table)
    assert len(table) == len(trains)
    assert (table[feature_names()].dtypes == np.float32).all()
    assert table[feature_names()].isna().all(axis=None)


@pytest.mark.parametrize("window", ["whole", ReferenceWindow("backwards", 30.0, 10.0)])
def test_a_window_that_cannot_be_used_is_named(window) -> None:
    with pytest.raises(ConfigError, match="reference window"):
        features_of([1.0], window=window)


def test_only_valid_time_counts_and_no_interval_bridges_a_gap() -> None:
    # 4 Hz, but 100 Hz noise from 30 to 50 s on probe01 alone
    regular = np.arange(0, 401) * 0.25
    noisy = np.sort(np.concatenate([regular, np.arange(30.005, 50, 0.01)]))
    table = with_invalid([noisy, regular], ["probe01", "probe00"], (30.0, 50.0, "probe01"))
    assert table["n_spikes"].tolist() == [401 - 80, 401]
    assert table["rate_hz"].tolist() == pytest.approx([321 / 80, 4.01])
    # Without the gap's 20.25 s interval the train is regular.
    assert table[["isi_cv", "isi_cv2", "isi_lv"]].to_numpy().tolist() == [[0, 0, 0], [0, 0, 0]]
    assert table["isi_mean_s"].tolist() == [0.25, 0.25]
    assert table["fano_factor"].tolist() == [0, 0]
    assert table["isi_hist_19"].tolist() == [0, 0]


def test_intervals_of_all_probes_count_and_those_of_the_stimulus_do_not() -> None:
    regular = np.arange(0, 401) * 0.25
    probes = ["probe00", "probe01"]
    both = with_invalid([regular, regular], probes, (10.0, 20.0, "all_probes"), (40.0, 60.0, "stimulus"))
    assert both["n_spikes"].tolist() == [361, 361]
    assert both["rate_hz"].tolist() == pytest.approx([361 / 90] * 2)


def test_without_an_overlap_the_features_are_the_same_to_the_bit() -> None:
    trains, probes = [np.cumsum(np.random.default_rng(3).exponential(0.2, 500))], ["probe00"]
    plain = unit_embeddings(spikes_of(*trains), units_of(*probes))
    beyond = with_invalid(trains, probes, (-9.0, -1.0, "probe00"), (0.0, 999.0, "probe01"))
    assert plain.equals(beyond)


def test_a_start_window_loses_what_is_invalid_of_it() -> None:
    table = with_invalid([[0.0, 1.0, 4.0, 29.0, 40.0]], ["probe00"], (0.5, 10.5, "probe00"), window="start-30s")
    assert table["n_spikes"].tolist() == [2]
    assert table["rate_hz"].tolist() == pytest.approx([2 / 20])
    assert table["isi_mean_s"].isna().all()


def test_a_probe_that_is_bad_throughout_has_undefined_features() -> None:
    table = with_invalid([[1.0, 2.0], [1.5, 9.0]], ["probe00", "probe01"], (0.0, 99.0, "probe00"))
    assert table["n_spikes"].tolist() == [0, 2]
    assert table.loc[0, feature_names()].isna().all()
    assert table.loc[1, "rate_hz"] == pytest.approx(0.25)
