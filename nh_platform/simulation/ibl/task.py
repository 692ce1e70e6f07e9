"""The IBL task and passive protocol of a simulated session: trials, wheel, licks, cameras, passive stimuli.

Contains what the animal and the rig did, as arrays and tables with ALF column names. Add a behavioural quantity here.
Neurons respond to these events in `nh_platform.simulation.ibl.ibl_session`; files are written in
`nh_platform.simulation.ibl.alf_tree`.

``choice`` +1 is a clockwise turn, correct for a stimulus on the left; wheel position is in radians with the
mathematical sign (ibllib `extract_wheel_sync`), so a clockwise turn lowers it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.simulation.size import SimulationSize

CONTRASTS = np.array([1.0, 0.25, 0.125, 0.0625, 0.0])
ENCODER_STEP_RAD = 2 * np.pi / 4096
"""Step of the IBL rotary encoder (1024 positions, read fourfold)."""
NO_GO_TIMEOUT_S = 20.0
"""60 s upstream; shorter here, since three such trials would fill a short session."""
REWARD_UL = 1.5
CAMERA_RATES_HZ = {"left": 60.0, "right": 150.0, "body": 30.0}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """Everything that happened in one session, except spikes.

    Parameters
    ----------
    trials
        The 13 columns of ``_ibl_trials.table.pqt``.
    movement_onset
        (n_trials,) when the wheel really moved, also where ``firstMovement_times`` is NaN; NaN for no-go trials.
    arrays
        Everything else by the names of its files: further trial attributes, each (n_trials,); the wheel's timestamps
        and position, (n,) seconds, irregular, and radians; its movements, (m, 2) seconds and (m,) radians; licks, (k,)
        seconds.
    """

    trials: pd.DataFrame
    movement_onset: Floats
    arrays: dict[str, Floats]


def simulate_task(rng: np.random.Generator, size: SimulationSize) -> Task:
    """Simulate the trials of one session and the behaviour that goes with them."""
    n = size.ibl_trials
    left_probability = _blocks(rng, n)
    left = rng.random(n) < left_probability
    contrast = rng.choice(CONTRASTS, size=n)
    skill = 0.5 + 0.49 * contrast / (contrast + 0.06)
    # Without contrast the mouse follows the block.
    correct = rng.random(n) < np.where(contrast == 0, np.where(left, left_probability, 1 - left_probability), skill)
    no_go = np.zeros(n, dtype=bool)
    no_go[rng.choice(np.arange(5, n - 1), size=max(1, n // 80), replace=False)] = True
    correct &= ~no_go
    side = np.where(left, 1.0, -1.0)
    choice = np.where(no_go, 0.0, np.where(correct, side, -side))

    quiescence = 0.4 + np.minimum(rng.exponential(0.1, n), 0.3)
    reaction = 0.09 + 0.25 * rng.gamma(2.0, 0.35, n) * (1.3 - 0.6 * contrast)
    movement = 0.12 + rng.gamma(2.0, 0.08, n)
    response_delay = np.where(no_go, NO_GO_TIMEOUT_S, reaction + movement)
    stim_delay = quiescence + 0.05 + 0.1 * rng.random(n)
    feedback_delay = np.where(correct, 0.0002, 0.012) + 0.001 * rng.random(n)
    off_delay = np.where(correct, 1.0, 2.0) + 0.02 * rng.random(n)
    end_delay = 0.5 + 0.3 * rng.random(n)
    length = stim_delay + response_delay + feedback_delay + off_delay + end_delay
    pause = 0.2 + 0.3 * rng.random(n)
    # Trials of all sizes fill the task: what is left is spread over the pauses between them.
    pause *= max((size.ibl_task_s - 12.0 - length.sum()) / pause.sum(), 1.0)
    start = 10.0 + np.concatenate([[0.0], np.cumsum(length + pause)[:-1]])
    kept = start + length < size.ibl_task_s
    if not kept.all():
        raise ValueError(f"size {size.name}: {n} trials take longer than the task of {size.ibl_task_s} s")

    stim_on = start + stim_delay
    response = stim_on + response_delay
    feedback = response + feedback_delay
    stim_off = feedback + off_delay
    onset = np.where(no_go, np.nan, stim_on + reaction)
    detected = onset.copy()
    detected[rng.choice(np.flatnonzero(~no_go), size=max(1, n // 25), replace=False)] = np.nan
    go_cue = stim_on + 0.0006 + 0.0008 * rng.random(n)
    shown = stim_on.copy()
    if n >= 100:
        shown[rng.integers(n)] = np.nan  # a frame that the photodiode missed, as real sessions have now and then
    trials = pd.DataFrame(
        {
            "intervals_0": start,
            "intervals_1": start + length,
            "goCue_times": go_cue,
            "response_times": response,
            "choice": choice,
            "stimOn_times": shown,
            "contrastLeft": np.where(left, contrast, np.nan),
            "contrastRight": np.where(left, np.nan, contrast),
            "feedback_times": feedback,
            "feedbackType": np.where(correct, 1.0, -1.0),
            "rewardVolume": np.where(correct, REWARD_UL, 0.0),
            "probabilityLeft": left_probability,
            "firstMovement_times": detected,
        }
    )
    arrays = {
        "_ibl_trials.goCueTrigger_times": go_cue - 0.0002,
        "_ibl_trials.stimOff_times": stim_off,
        "_ibl_trials.stimOnTrigger_times": stim_on - 0.02 - 0.01 * rng.random(n),
        "_ibl_trials.stimOffTrigger_times": stim_off - 0.03,
        "_ibl_trials.errorCueTrigger_times": np.where(correct, np.nan, feedback - 0.0004),
        "_ibl_trials.intervals_bpod": (np.column_stack([start, start + length]) - 7.25) * (1 - 2e-5),
        "_ibl_trials.quiescencePeriod": quiescence,
        **_wheel(rng, onset, response, choice, trials["intervals_1"].to_numpy()),
        "licks.times": _licks(rng, feedback[correct], size.ibl_task_s),
    }
    return Task(trials, onset, arrays)


def _blocks(rng: np.random.Generator, n: int) -> Floats:
    """(n,) probability of a left stimulus: unbiased first, then blocks of 0.2 and 0.8 of 20-100 trials."""
    unbiased = min(90, n // 4)
    values: list[Floats] = [np.full(unbiased, 0.5)]
    level = 0.2 if rng.random() < 0.5 else 0.8
    total = unbiased
    while total < n:
        block = int(np.clip(rng.exponential(60), 20, 100))
        values.append(np.full(block, level))
        level, total = 1.0 - level, total + block
    return np.asarray(np.concatenate(values)[:n].round(1), dtype=np.float64)


def _wheel(
    rng: np.random.Generator, onset: Floats, response: Floats, choice: Floats, trial_end: Floats
) -> dict[str, Floats]:
    """Wheel samples and movements: one turn towards each choice, and small fidgets between trials."""
    turned = ~np.isnan(onset)
    fidget = rng.random(len(trial_end)) < 0.4
    start = np.concatenate([onset[turned], trial_end[fidget] - 0.3])
    stop = np.concatenate([response[turned] + 0.05, trial_end[fidget] - 0.3 + 0.15 + 0.1 * rng.random(fidget.sum())])
    # 35 visual degrees at 4 deg/mm on a wheel of 31 mm radius are 0.28 rad.
    turn = -choice[turned] * (0.30 + 0.15 * rng.random(turned.sum()))
    amplitude = np.concatenate([turn, 0.05 * rng.standard_normal(fidget.sum())])
    order = np.argsort(start, kind="stable")
    start, stop, amplitude = start[order], stop[order], amplitude[order]
    phase = np.sort(rng.random((len(start), 40)), axis=1)
    phase[:, 0], phase[:, -1] = 0.0, 1.0
    course = phase**2 * (3 - 2 * phase)
    base = np.cumsum(amplitude) - amplitude
    times = (start[:, None] + (stop - start)[:, None] * phase).ravel()
    position = (base[:, None] + amplitude[:, None] * course).ravel()
    position = np.round(position / ENCODER_STEP_RAD) * ENCODER_STEP_RAD
    return {
        "_ibl_wheel.timestamps": np.concatenate([[0.5], times]),
        "_ibl_wheel.position": np.concatenate([[0.0], position]),
        "_ibl_wheelMoves.intervals": np.column_stack([start, stop]),
        "_ibl_wheelMoves.peakAmplitude": np.abs(amplitude),
    }


def _licks(rng: np.random.Generator, reward: Floats, end: float) -> Floats:
    """Bouts of licks at 7 Hz after each reward, and a few others."""
    number = rng.poisson(6, len(reward)) + 2
    place = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    bouts = np.repeat(reward, number) + 0.06 + place / 7.0 + rng.normal(0, 0.01, number.sum())
    others = rng.random(len(reward) // 3) * end
    return np.sort(np.concatenate([bouts, others]))


def camera_times(camera: str, size: SimulationSize) -> Floats:
    """(n_frames,) seconds; the frames are thinned to `SimulationSize.camera_fraction` of the camera's rate."""
    step = 1.0 / (CAMERA_RATES_HZ[camera] * size.camera_fraction)
    return 0.25 + step * np.arange(int((size.ibl_task_s - 0.5) / step), dtype=np.float64)


def pupil_diameter(rng: np.random.Generator, times: Floats, task: Task) -> pd.DataFrame:
    """Return ``pupilDiameter_raw`` and ``pupilDiameter_smooth`` in pixels; raw has gaps where the animal blinked."""
    feedback = task.trials["feedback_times"].to_numpy()
    since = times - feedback[np.maximum(np.searchsorted(feedback, times) - 1, 0)]
    smooth = 14.0 + 2.0 * np.sin(times / 40.0) + 1.5 * np.exp(-np.clip(since, 0, 60)) * (since > 0)
    raw = smooth + 0.4 * rng.standard_normal(len(times))
    raw[rng.random(len(times)) < 0.02] = np.nan
    return pd.DataFrame({"pupilDiameter_raw": raw, "pupilDiameter_smooth": smooth})


POSE_PARTS = {"left": ("nose_tip", "paw_l", "paw_r"), "right": ("nose_tip", "paw_l", "paw_r"), "body": ("tail_start",)}
"""Some of the parts that are tracked in the videos of each camera."""


def body_parts(rng: np.random.Generator, times: Floats, camera: str) -> pd.DataFrame:
    """Return ``<part>_x`` and ``<part>_y`` in pixels and ``<part>_likelihood`` of every frame."""
    columns = {}
    for number, part in enumerate(POSE_PARTS[camera]):
        columns[f"{part}_x"] = (
            200.0 + 90.0 * number + 12.0 * np.sin(times / 3.0 + number) + rng.normal(0, 0.8, len(times))
        )
        columns[f"{part}_y"] = (
            150.0 + 40.0 * number + 8.0 * np.cos(times / 3.0 + number) + rng.normal(0, 0.8, len(times))
        )
        columns[f"{part}_likelihood"] = 1.0 - 0.3 * rng.random(len(times)) ** 6
    return pd.DataFrame(columns)


def motion_energy(rng: np.random.Generator, times: Floats, task: Task) -> Floats:
    """(n_frames,) whisker-pad motion energy: high while the wheel moves."""
    start, stop = task.arrays["_ibl_wheelMoves.intervals"].T
    index = np.searchsorted(start, times) - 1
    moving = (index >= 0) & (times < stop[np.maximum(index, 0)] + 0.2)
    return 3.0 + np.abs(rng.normal(0, 0.5, len(times))) + 6.0 * moving * rng.random(len(times))


def passive_frames(rng: np.random.Generator, periods: pd.DataFrame) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Return times and (n, 15, 15) frames of the receptive field mapping; thinned, 60 Hz upstream.

    Every square is grey (128) but for some that are black (0) or white (255).
    """
    start, stop = periods["RFM"]
    times = np.arange(start + 0.1, stop - 0.1, 0.1)
    draw = rng.random((len(times), 15, 15))
    return times, np.where(draw < 0.02, 0, np.where(draw > 0.98, 255, 128)).astype(np.uint8)


def passive_tables(rng: np.random.Generator, size: SimulationSize) -> dict[str, pd.DataFrame]:
    """Return the three passive csv tables by ALF name: periods, Gabor patches, sounds and valve clicks."""
    start, length = size.ibl_task_s, size.ibl_passive_s
    bounds = start + length * np.array([0.02, 0.3, 0.32, 0.55, 0.57, 0.98])
    periods = pd.DataFrame(
        {
            "passiveProtocol": [start + 0.01 * length, start + 0.99 * length],
            "spontaneousActivity": bounds[:2],
            "RFM": bounds[2:4],
            "taskReplay": bounds[4:],
        },
        index=["start", "stop"],
    )
    replay = np.linspace(bounds[4] + 0.5, bounds[5] - 1.5, max(int((bounds[5] - bounds[4]) / 1.2), 8))
    kind = rng.permutation(np.arange(len(replay)) % 4)  # 0 Gabor, 1 valve, 2 tone, 3 noise
    onset = replay + 0.1 * rng.random(len(replay))
    gabor = onset[kind == 0]
    gabors = pd.DataFrame(
        {
            "start": gabor,
            "stop": gabor + 0.3,
            "position": rng.choice([-35.0, 35.0], len(gabor)),
            "contrast": rng.choice(CONTRASTS[:4], len(gabor)),
            "phase": 2 * np.pi * rng.random(len(gabor)),
        }
    )
    stims = {}
    for code, name, seconds in ((1, "valve", 0.05), (2, "tone", 0.1), (3, "noise", 0.5)):
        stims[f"{name}On"] = pd.Series(onset[kind == code])
        stims[f"{name}Off"] = pd.Series(onset[kind == code] + seconds)
    return {
        "_ibl_passivePeriods.intervalsTable.csv": periods,
        "_ibl_passiveGabor.table.csv": gabors,
        "_ibl_passiveStims.table.csv": pd.DataFrame(stims),
    }
