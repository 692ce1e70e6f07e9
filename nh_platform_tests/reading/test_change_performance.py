"""Performance in the change detection task, counted by hand; that it is AllenSDK's is tested beside its reader."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading.change_performance import rolling_performance
from nh_platform.session import SchemaError
from nh_platform.session.tables.change_detection import CHANGE_TRIALS, TRIAL_LICKS


def trials(outcomes: str, seconds: float = 10.0) -> pd.DataFrame:
    """Return trials by letter: hit, miss, false alarm, correct reject, aborted; the change is 2 s after the start."""
    letters = np.array(list(outcomes))
    start = np.arange(len(letters)) * seconds
    names = {"hit": "h", "miss": "m", "false_alarm": "f", "correct_reject": "c", "aborted": "a"}
    table = pd.DataFrame(
        {
            "trials_id": np.arange(len(letters)),
            "start_time": start,
            "change_time_no_display_delay": np.where(letters == "a", np.nan, start + 2.0),
            "reward_volume": np.where(letters == "h", 7.0, 0.0),
            **{name: letters == letter for name, letter in names.items()},
        }
    )
    return CHANGE_TRIALS.conform(table)


def licks_of(table: pd.DataFrame, after: float = 0.4) -> pd.DataFrame:
    """Return a lick 0.1 s after the change, which is too early to count, and one later, in trials with a response."""
    responded = table[table["hit"] | table["false_alarm"]]
    times = responded["change_time_no_display_delay"].to_numpy()[:, None] + np.array([0.1, after])
    return TRIAL_LICKS.conform(
        pd.DataFrame({"trials_id": np.repeat(responded["trials_id"], 2), "times": times.ravel()})
    )


def test_the_latency_is_of_the_first_lick_in_the_window_and_infinite_without_one() -> None:
    table = trials("hmaf")
    found = rolling_performance(table, licks_of(table))
    np.testing.assert_allclose(found["response_latency"], [0.4, np.inf, np.inf, 0.4])
    assert found.index.name == "trials_id"


def test_the_reward_rate_is_per_minute_over_25_trials_on_each_side() -> None:
    table = trials("h" * 80)
    rate = rolling_performance(table, licks_of(table))["reward_rate"].to_numpy()
    assert np.isnan(rate[:10]).all()
    assert rate[10] == pytest.approx(35 / 340 * 60)  # trials 0 to 34
    assert rate[40] == pytest.approx(50 / 490 * 60)  # trials 15 to 64
    late = rolling_performance(table, licks_of(table, after=0.8))["reward_rate"].to_numpy()
    assert (late[10:] == 0).all()


def test_rates_are_of_trials_that_were_not_aborted_and_stay_half_a_trial_from_0_and_1() -> None:
    table = trials("hhamfcc")
    found = rolling_performance(table, licks_of(table))
    np.testing.assert_allclose(found["hit_rate_raw"], [1, 1, np.nan, 2 / 3, 2 / 3, 2 / 3, 2 / 3])
    np.testing.assert_allclose(found["hit_rate"], [0.5, 0.75, np.nan, 2 / 3, 2 / 3, 2 / 3, 2 / 3])
    np.testing.assert_allclose(found["false_alarm_rate_raw"][-3:], [1, 1 / 2, 1 / 3])
    np.testing.assert_allclose(found["false_alarm_rate"][-3:], [0.5, 0.5, 1 / 3])
    # Quantile of 2/3 less that of 1/3 of the normal distribution.
    assert found["rolling_dprime"].iloc[-1] == pytest.approx(2 * 0.4307272992954576)
    assert found["rolling_dprime"].isna().tolist() == [True, True, True, True, False, False, False]


def test_a_passive_session_has_a_dprime_of_0() -> None:
    found = rolling_performance(trials("mmcm"), TRIAL_LICKS.empty())
    assert found["rolling_dprime"].tolist() == [0.0] * 4
    assert np.isinf(found["response_latency"]).all()


def test_an_outcome_that_upstream_states_wrongly_is_named() -> None:
    with pytest.raises(SchemaError, match="no column miss"):
        rolling_performance(trials("hm").drop(columns="miss"), TRIAL_LICKS.empty())
