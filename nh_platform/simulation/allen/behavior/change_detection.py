"""The image change detection task of a simulated Visual Behavior session: flashes, trials, licks and rewards.

Contains the order of events and their times. Add a column here when the release's tables have it. The stimulus blocks
around the task are in `nh_platform.simulation.allen.behavior.stimulus_blocks`; nothing is written here.

Times follow the monitor: an image is on for 15 frames at 60 Hz (0.25 s), then 30 grey frames. One of eight images is
shown again and again until it changes; about 5 % of the flashes are left out (omissions), never the change itself nor
the flash before it. The animal licks after a change for water; an early lick aborts the trial; catch trials have a
sham change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FRAME_S = 1.0 / 59.998
FLASH_FRAMES = 45
ON_FRAMES = 15
DISPLAY_LAG_S = 0.02
"""Monitor delay of the rigs NP.0 and NP.1 (AllenSDK 2.16.2, `VBNBehaviorSession._get_monitor_delay`)."""
NULL_INTEGER = -99
REWARD_ML = 0.007
AUTO_REWARD_ML = 0.005
AUTO_REWARDED_GO_TRIALS = 3
OMITTED_SHARE = 0.05
CATCH_SHARE = 0.15
ABORTED_SHARE = 0.25
RESPONSE_FLASHES = 5

IMAGES = {
    "G": ("im012_r", "im036_r", "im044_r", "im047_r", "im078_r", "im083_r", "im111_r", "im115_r"),
    "H": ("im005_r", "im024_r", "im034_r", "im083_r", "im087_r", "im104_r", "im111_r", "im114_r"),
}
"""The two image sets of the release; two images are in both."""
OUTCOMES = (
    "go",
    "catch",
    "hit",
    "false_alarm",
    "miss",
    "correct_reject",
    "aborted",
    "auto_rewarded",
    "stimulus_change",
)


@dataclass(frozen=True)
class ChangeDetection:
    """One run of the task.

    Parameters
    ----------
    trials
        One row per trial, as in the release's table ``trials``, without licks.
    lick_times, lick_frames
        (n_licks,) seconds, ascending, and the monitor frame of each.
    trial_licks
        Lick times of every trial.
    rewards
        ``timestamps`` (s), ``volume`` (mL), ``auto_rewarded``.
    flashes
        One row per flash: ``flash`` (number), ``image`` (0-7; -1 for an omission), ``is_change``, ``is_sham_change``,
        ``omitted``, ``flashes_since_change``, ``trials_id``, ``rewarded``.
    """

    trials: pd.DataFrame
    lick_times: npt.NDArray[np.float64]
    lick_frames: npt.NDArray[np.int64]
    trial_licks: list[npt.NDArray[np.float64]]
    rewards: pd.DataFrame
    flashes: pd.DataFrame


@dataclass
class _Trial:
    """What happens in one trial; flashes are numbers within the block."""

    first: int
    last: int
    change: int
    kind: str
    responds: bool
    image: int
    new_image: int
    latency_s: float
    auto: bool = False


def simulate_task(rng: np.random.Generator, start_s: float, n_flashes: int, image_set: str) -> ChangeDetection:
    """Simulate the task from ``start_s``, the time at which the first flash appears, over ``n_flashes`` flashes."""
    trials = _trials(rng, n_flashes)
    flashes = _flashes(rng, trials, n_flashes)
    onset = start_s + FRAME_S * FLASH_FRAMES * np.arange(n_flashes + 1, dtype=np.float64)
    names = IMAGES[image_set]
    rows, licks, rewards = [], [], []
    for number, trial in enumerate(trials):
        row, own_licks, reward = _events(rng, trial, onset, names)
        rows.append(row)
        licks.append(own_licks)
        if reward is not None:
            rewards.append(reward)
            flashes.loc[trial.change, "rewarded"] = True
        flashes.loc[trial.first : trial.last, "trials_id"] = number
    lick_times = np.concatenate(licks) if licks else np.empty(0)
    return ChangeDetection(
        trials=pd.DataFrame(rows),
        lick_times=lick_times,
        lick_frames=np.floor((lick_times - start_s) / FRAME_S).astype(np.int64),
        trial_licks=licks,
        rewards=pd.DataFrame(rewards, columns=["timestamps", "volume", "auto_rewarded"]),
        flashes=flashes,
    )


def _trials(rng: np.random.Generator, n_flashes: int) -> list[_Trial]:
    """Draw trials until the flashes are used up; the image goes on from one trial to the next."""
    trials: list[_Trial] = []
    first, image, n_go = 0, int(rng.integers(8)), 0
    while True:
        wait, draw, answer, latency, other = rng.integers(4, 12), rng.random(), rng.random(), rng.random(), rng.random()
        change = first + int(wait)
        kind = "aborted" if draw < ABORTED_SHARE else "catch" if draw < ABORTED_SHARE + CATCH_SHARE else "go"
        last = first + int(wait) // 2 if kind == "aborted" else change + RESPONSE_FLASHES
        # An aborted trial ends before its change, but the change that was planned must have a time too.
        if max(last, change) >= n_flashes:
            return trials
        n_go += kind == "go"
        new_image = (image + 1 + int(7 * other)) % 8 if kind == "go" else image
        responds = kind == "aborted" or answer < (0.7 if kind == "go" else 0.2)
        auto = kind == "go" and n_go <= AUTO_REWARDED_GO_TRIALS
        trials.append(_Trial(first, last, change, kind, responds, image, new_image, 0.25 + 0.35 * latency, auto))
        first, image = last + 1, new_image


def _flashes(rng: np.random.Generator, trials: list[_Trial], n_flashes: int) -> pd.DataFrame:
    image = np.full(n_flashes, trials[-1].new_image if trials else 0, dtype=np.int64)
    change, sham = np.zeros(n_flashes, dtype=bool), np.zeros(n_flashes, dtype=bool)
    for trial in trials:
        image[trial.first : trial.last + 1] = trial.image
        if trial.kind == "go":
            image[trial.change : trial.last + 1] = trial.new_image
            change[trial.change] = True
        elif trial.kind == "catch":
            sham[trial.change] = True
    kept = change | sham | np.roll(change | sham, -1) | np.roll(change | sham, 1)
    omitted = (rng.random(n_flashes) < OMITTED_SHARE) & ~kept
    omitted[0] = False
    since = np.zeros(n_flashes, dtype=np.int64)
    for flash in range(1, n_flashes):
        since[flash] = 0 if change[flash] else since[flash - 1] + (not omitted[flash])
    return pd.DataFrame(
        {
            "flash": np.arange(n_flashes),
            "image": np.where(omitted, -1, image),
            "is_change": change,
            "is_sham_change": sham,
            "omitted": omitted,
            "flashes_since_change": since,
            "trials_id": np.int64(NULL_INTEGER),
            "rewarded": False,
        }
    )


def _events(
    rng: np.random.Generator, trial: _Trial, onset: npt.NDArray[np.float64], names: tuple[str, ...]
) -> tuple[dict[str, object], npt.NDArray[np.float64], tuple[float, float, bool] | None]:
    """Return a trial's row, its lick times, and its reward (time, volume, auto-rewarded) where there was one."""
    start, stop = float(onset[trial.first]), float(onset[trial.last + 1])
    change_time = float(onset[trial.change]) - DISPLAY_LAG_S
    aborted = trial.kind == "aborted"
    outcome = dict.fromkeys(OUTCOMES, False)
    response = np.nan
    if aborted:
        outcome["aborted"] = True
        response = float(onset[trial.last]) + 0.1 + 0.3 * trial.latency_s
    else:
        outcome[trial.kind] = True
        outcome["auto_rewarded"] = trial.auto
        outcome["stimulus_change"] = trial.kind == "go"
        answer = {"go": ("miss", "hit"), "catch": ("correct_reject", "false_alarm")}[trial.kind]
        if not trial.auto:
            outcome[answer[trial.responds]] = True
        if trial.responds:
            response = change_time + trial.latency_s
    reward = None
    if trial.auto:
        outcome["go"] = False
        reward = (change_time + 0.16, AUTO_REWARD_ML, True)
    elif outcome["hit"]:
        reward = (response + 0.008, REWARD_ML, False)
    licks = np.empty(0)
    if np.isfinite(response):
        burst = 1 + int(rng.integers(6)) if reward is not None else 1
        licks = response + np.concatenate([[0.0], np.cumsum(0.11 + 0.04 * rng.random(burst - 1))])
        licks = licks[licks < stop]
    row: dict[str, object] = {
        "start_time": start,
        "stop_time": stop,
        "initial_image_name": "" if aborted else names[trial.image],
        "change_image_name": "" if aborted else names[trial.new_image],
        **outcome,
        "change_time_no_display_delay": np.nan if aborted else change_time,
        "response_time": np.nan if aborted else response,
        "reward_time": np.nan if reward is None else reward[0],
        "reward_volume": 0.0 if reward is None else reward[1],
        "change_frame": NULL_INTEGER if aborted else trial.change * FLASH_FRAMES,
        "trial_length": stop - start,
    }
    return row, licks, reward
