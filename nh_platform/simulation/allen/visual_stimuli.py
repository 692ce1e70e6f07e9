"""The visual stimuli of a simulated Visual Coding session, in AllenSDK's terms, and how units respond to them.

Contains the stimulus blocks of both session types with their times, and the tuning of units. Add a block here; what is
varied within one is `nh_platform.simulation.allen.stimulus_parameters`. The NWB tables are written in
`nh_platform.simulation.allen.nwb_groups`.

A presentation of 0.25 s really lasts 0.2502 s, one of 2 s 2.0017 s, a movie frame 0.03336 s (medians over the release,
recorded with monitors of 60 Hz).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.simulation.allen import stimulus_parameters as shown
from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.spike_trains import EvokedResponse

OBSERVATORY = "brain_observatory_1.1"
CONNECTIVITY = "functional_connectivity"
"""The two session types of the release."""

MONITOR_HZ = 60.0
"""Refresh rate that the durations below belong to; session 719161530 of the release was shown at 59.94 Hz."""
SHORT_S = 0.25021
HALF_S = 0.50042
SECOND_S = 1.00083
LONG_S = 2.00167
FRAME_S = 0.033361
FRAME_THREE_S = 0.033362
"""3600 of these last 120.1032 s and so reach the 6006th bin of 20 ms, as the released movies do (median 120.1003 s)."""
FIRST_STIMULUS_S = 12.0
MOVIE_FRAMES = 900
MOVIE_THREE_FRAMES = 3600
ORIENTATION_WIDTH_DEG = 22.0
FIELD_WIDTH_DEG = 15.0

Floats = npt.NDArray[np.float64]
Block = tuple[str, pd.DataFrame, float, float]


def simulate_stimuli(
    rng: np.random.Generator,
    repeats: int,
    session_type: str = OBSERVATORY,
    *,
    movie_three: bool = False,
    monitor_hz: float = MONITOR_HZ,
) -> tuple[dict[str, pd.DataFrame], float]:
    """Return the presentations by stimulus name, and when the last one ends.

    Each table has ``start_time``, ``stop_time`` (s), ``stimulus_name``, ``stimulus_block`` (not for spontaneous
    activity), ``stimulus_index`` and the stimulus' own parameters. Three presentations of each type last too long, as
    after a dropped frame; the ones behind them are shifted. Movies lose frames in every fourth repeat only: one late
    frame makes a whole movie unusable, and most movies of the release are not. ``movie_three`` adds
    the long movie of the first session type. Every stimulus lasts a number of refreshes of the monitor, which shows
    ``monitor_hz`` of them a second.
    """
    time = FIRST_STIMULUS_S
    longer = MONITOR_HZ / monitor_hz
    tables: list[pd.DataFrame] = []
    for repeat in range(repeats):
        blocks = _BLOCKS[session_type](rng)
        if movie_three and session_type == OBSERVATORY:
            blocks.append(("natural_movie_three", shown.movie(MOVIE_THREE_FRAMES), FRAME_THREE_S, 0.0))
        for index, (name, parameters, duration_s, gap_s) in enumerate(blocks):
            pause_s = 10.0 if tables else 18.0
            has_late = "movie" not in name or repeat % 4 == 3
            start, stop = _schedule(rng, time + pause_s, len(parameters), duration_s * longer, gap_s, has_late)
            table = parameters.assign(start_time=start, stop_time=stop, stimulus_name=name)
            block = table.assign(stimulus_block=float(len(tables) // 2), stimulus_index=float(index))
            tables += [_spontaneous(time, pause_s), block]
            time = float(stop[-1])
    return by_stimulus([*tables, _spontaneous(time, 20.0)]), time + 20.0


def by_stimulus(tables: Sequence[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the blocks of each stimulus as one table, by its name."""
    names = [str(table["stimulus_name"].iloc[0]) for table in tables]
    return {
        name: pd.concat([table for table, own in zip(tables, names) if own == name], ignore_index=True)
        for name in sorted(set(names))
    }


def _spontaneous(start: float, duration_s: float) -> pd.DataFrame:
    row = {"start_time": start, "stop_time": start + duration_s, "stimulus_name": "spontaneous"}
    return pd.DataFrame([row])


def _schedule(
    rng: np.random.Generator, start: float, n: int, duration_s: float, gap_s: float, has_late: bool
) -> tuple[Floats, Floats]:
    """Start and stop times of a block: frame-locked with 20 µs of jitter, with ``has_late`` three of them too long."""
    duration = duration_s + 2e-5 * rng.standard_normal(n)
    late = rng.choice(n, size=3, replace=False)
    duration[late] += 0.0334 * rng.integers(1, 4, size=3) * has_late
    onset = start + np.concatenate([[0.0], np.cumsum(duration[:-1] + gap_s)])
    return onset, onset + duration


def _observatory_blocks(rng: np.random.Generator) -> list[Block]:
    """One block of each stimulus in random order of its presentations: name, parameters, duration, gap."""
    return [
        ("gabors", shown.gabors(rng), SHORT_S, 0.0),
        ("flashes", shown.flashes(rng), SHORT_S, 2.0 - SHORT_S),
        ("drifting_gratings", shown.drifting_gratings(rng), LONG_S, 1.0),
        ("natural_movie_one", shown.movie(MOVIE_FRAMES), FRAME_S, 0.0),
        ("natural_scenes", shown.natural_scenes(rng), SHORT_S, 0.0),
        ("static_gratings", shown.static_gratings(rng), SHORT_S, 0.0),
    ]


def _connectivity_blocks(rng: np.random.Generator) -> list[Block]:
    """Return the same for the other session type: more repeats of fewer stimuli."""
    return [
        ("gabors", shown.gabors(rng), SHORT_S, 0.0),
        ("flashes", shown.flashes(rng), SHORT_S, 2.0 - SHORT_S),
        ("drifting_gratings_75_repeats", shown.gratings_75_repeats(rng), LONG_S, 1.0),
        ("drifting_gratings_contrast", shown.gratings_contrast(rng), HALF_S, 0.5),
        ("natural_movie_one_more_repeats", shown.movie(MOVIE_FRAMES), FRAME_S, 0.0),
        ("dot_motion", shown.dot_motion(rng), SECOND_S, 0.5),
    ]


_BLOCKS = {OBSERVATORY: _observatory_blocks, CONNECTIVITY: _connectivity_blocks}


def stimulus_responses(
    rng: np.random.Generator, truths: Sequence[UnitTruth], stimuli: dict[str, pd.DataFrame]
) -> list[EvokedResponse]:
    """Return the extra spikes that the stimuli cause; ``truth.gain`` is in spikes per second of the best stimulus.

    Gratings and gabors drive a unit by its preferred orientation, gabors also by its receptive field, scenes and movie
    frames by a random preference of the unit; blanks drive none.
    """
    gain = np.array([truth.gain for truth in truths])[:, None]
    preferred = np.array([truth.preferred for truth in truths])
    field = rng.uniform(-25.0, 25.0, size=(len(truths), 2))
    scenes = rng.gamma(0.5, 1.0, size=(len(truths), shown.N_SCENES))
    frames = rng.gamma(0.5, 1.0, size=(len(truths), MOVIE_FRAMES // 30))
    responses = []
    for name, table in stimuli.items():
        if name == "spontaneous":
            continue
        if "gratings" in name:
            tuning = _orientation_tuning(preferred, table["orientation"].to_numpy())
        elif name == "gabors":
            position = table[["x_position", "y_position"]].to_numpy()
            distance = ((position[None, :, :] - field[:, None, :]) ** 2).sum(axis=2)
            tuning = 2.0 * np.exp(-distance / (2 * FIELD_WIDTH_DEG**2))
        elif name == "natural_scenes":
            frame = table["frame"].to_numpy().astype(np.int64)
            tuning = np.where(frame < 0, 0.0, scenes[:, np.maximum(frame, 0)])
        elif "movie" in name:
            scene = table["frame"].to_numpy().astype(np.int64) // 30 % frames.shape[1]
            tuning = frames[:, scene] * 0.5
        else:
            tuning = np.full((len(truths), len(table)), 2.0)
        start = table["start_time"].to_numpy()
        duration = table["stop_time"].to_numpy() - start
        responses.append(EvokedResponse(times=start, durations=duration, weights=gain * tuning * duration))
    return responses


def _orientation_tuning(preferred: Floats, orientation: Floats) -> Floats:
    """(n_units, n_presentations) tuning by the angle between orientations, 0 for blanks."""
    angle = (orientation[None, :] - preferred[:, None] + 90.0) % 180.0 - 90.0
    return np.nan_to_num(np.exp(-(angle**2) / (2 * ORIENTATION_WIDTH_DEG**2)), nan=0.0)
