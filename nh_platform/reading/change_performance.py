"""How an animal does in the change detection task over its trials, as AllenSDK computes it.

Contains response latency, reward rate, and the rolling rates and d'. Add here what else AllenSDK says of the trials of
a Visual Behavior session. Nothing is stored: it all follows from `change_trials` and `trial_licks`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import SchemaError

FloatArray = npt.NDArray[np.float64]

RESPONSE_WINDOW_S = (0.15, 0.75)
"""After the change, where a lick is a response: `response_window_sec` of the task parameters of released files."""

REWARD_TRIALS, FIRST_TRIALS = 25, 10
"""Trials on each side of which the reward rate is, and trials at the beginning that have none."""

RATE_TRIALS = 100
"""Trials that were not aborted over which hits, false alarms and d' are taken (AllenSDK `SLIDING_WINDOW`)."""

_OUTCOMES = ("aborted", "hit", "miss", "false_alarm", "correct_reject")


def rolling_performance(
    trials: pd.DataFrame, licks: pd.DataFrame, response_window_s: tuple[float, float] = RESPONSE_WINDOW_S
) -> pd.DataFrame:
    """Return performance trial by trial (AllenSDK 2.16.2 `Trials.rolling_performance`, `calculate_reward_rate`).

    Parameters
    ----------
    trials, licks
        Schemas `CHANGE_TRIALS` and `TRIAL_LICKS`.
    response_window_s
        Window of responses after the change in s.

    Returns
    -------
    pandas.DataFrame
        Index ``trials_id``. ``response_latency`` [s]: first lick of the trial later than the start of the window after
        the change, less the time of the change; infinite without one. ``reward_rate`` [1/min]: trials with a latency
        below the end of the window among the 25 before and the 25 from this one on, per time from the first to the last
        start among them; NaN in the first 10. ``hit_rate_raw`` and ``false_alarm_rate_raw`` [1]: share among the go and
        catch trials of the last 100 that were not aborted; ``hit_rate`` and ``false_alarm_rate``: the same, kept
        ``1 / 2n`` away from 0 and 1; ``rolling_dprime`` [1] of these, 0 throughout in a passive session. The last five
        are NaN in aborted trials.

    Raises
    ------
    SchemaError
        If the trials lack an outcome, which is left out where upstream's is no boolean.
    """
    lacking = [name for name in _OUTCOMES if name not in trials]
    if lacking:
        raise SchemaError(
            "trials of the change detection task",
            f"no column {', '.join(lacking)}: upstream's is no boolean",
            "Leave the performance of this session out; its notes name the column.",
        )
    latency = _response_latency(trials, licks, response_window_s[0])
    counted = ~trials["aborted"].to_numpy(dtype=bool)
    hits = _rates(trials, "hit", "miss", counted)
    alarms = _rates(trials, "false_alarm", "correct_reject", counted)
    is_passive = bool((trials["reward_volume"] == 0).all()) and len(licks) == 0
    dprime = np.zeros(int(counted.sum())) if is_passive else _dprime(hits[1], alarms[1])
    columns = {
        "response_latency": latency,
        "reward_rate": _reward_rate(trials["start_time"].to_numpy(dtype=np.float64), latency < response_window_s[1]),
        "hit_rate_raw": _beside(hits[0], counted),
        "hit_rate": _beside(hits[1], counted),
        "false_alarm_rate_raw": _beside(alarms[0], counted),
        "false_alarm_rate": _beside(alarms[1], counted),
        "rolling_dprime": _beside(dprime, counted),
    }
    return pd.DataFrame(columns, index=pd.Index(trials["trials_id"], name="trials_id"))


def _response_latency(trials: pd.DataFrame, licks: pd.DataFrame, window_start_s: float) -> FloatArray:
    change = trials.set_index("trials_id")["change_time_no_display_delay"]
    after = licks["times"].to_numpy() - change.reindex(licks["trials_id"]).to_numpy()
    valid = after > window_start_s  # False where there was no change
    first = pd.Series(after[valid]).groupby(licks["trials_id"].to_numpy()[valid]).first()
    return first.reindex(trials["trials_id"]).fillna(np.inf).to_numpy(dtype=np.float64)


def _reward_rate(start: FloatArray, correct: npt.NDArray[np.bool_]) -> FloatArray:
    number = np.arange(len(start))
    low, high = np.maximum(number - REWARD_TRIALS, 0), np.minimum(number + REWARD_TRIALS, len(start))
    so_far = np.concatenate([[0], np.cumsum(correct)])
    rate = np.full(len(start), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate[FIRST_TRIALS:] = ((so_far[high] - so_far[low]) / (start[high - 1] - start[low]) * 60)[FIRST_TRIALS:]
    return np.where(np.isinf(rate), np.nan, rate)


def _rates(trials: pd.DataFrame, yes: str, no: str, counted: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return the rolling share of ``yes`` among both, plain and kept away from 0 and 1 by half a trial."""
    answered = np.where(trials[yes], 1.0, np.where(trials[no], 0.0, np.nan))[counted]
    rolling = pd.Series(answered).rolling(RATE_TRIALS, min_periods=0)
    rate, count = rolling.mean().to_numpy(), rolling.count().to_numpy()
    half = 1.0 / (2 * np.where(count > 0, count, np.nan))
    return rate, np.minimum(np.maximum(rate, half), 1 - half)


def _dprime(hit_rate: FloatArray, false_alarm_rate: FloatArray) -> FloatArray:
    from scipy.stats import norm

    low, high = 1 / RATE_TRIALS, 1 - 1 / RATE_TRIALS
    hits, alarms = (norm.ppf(np.clip(rate, low, high)) for rate in (hit_rate, false_alarm_rate))
    return np.asarray(hits - alarms, dtype=np.float64)


def _beside(values: FloatArray, counted: npt.NDArray[np.bool_]) -> FloatArray:
    """Return values of the counted trials beside all of them."""
    of_all = np.full(len(counted), np.nan)
    of_all[counted] = values
    return of_all
