"""The stimulus blocks of a simulated Visual Behavior session and how units respond to them.

Contains the presentations in the order of a released session: the task, grey screen, gabors, full-field flashes, and
the task's images once more without the task. Add a block here when a session type has it. The task itself is in
`nh_platform.simulation.allen.behavior.change_detection`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.simulation.allen.behavior.change_detection import (
    FLASH_FRAMES,
    FRAME_S,
    IMAGES,
    NULL_INTEGER,
    ON_FRAMES,
    ChangeDetection,
    simulate_task,
)
from nh_platform.simulation.allen.stimulus_parameters import gabor_grid
from nh_platform.simulation.allen.visual_stimuli import by_stimulus, stimulus_responses
from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.spike_trains import EvokedResponse

FIRST_FRAME_S = 12.0
FLASHES_PER_REPEAT = 160
GREY_FRAMES = 600
N_FULL_FLASHES = 30
CHANGE_GAIN = 1.8
IMAGE_STIMULUS = "Natural_Images_Lum_Matched_set_ophys_{}_2019"


@dataclass(frozen=True)
class VbnStimuli:
    """Everything that was shown.

    Parameters
    ----------
    task
        The task of the first block.
    presentations
        Presentations by stimulus name, with the columns of the release.
    frame_times
        (n_frames,) seconds, every frame of the monitor.
    image_stimulus, image_names
        Name of the image stimulus, which is also that of its templates, and its images.
    """

    task: ChangeDetection
    presentations: dict[str, pd.DataFrame]
    frame_times: npt.NDArray[np.float64]
    image_stimulus: str
    image_names: tuple[str, ...]

    @property
    def end_s(self) -> float:
        """When the last frame was shown, in seconds."""
        return float(self.frame_times[-1])


def simulate_stimuli(rng: np.random.Generator, repeats: int, image_set: str, *, novel: bool) -> VbnStimuli:
    """Simulate all blocks of a session whose task has ``160 * repeats`` flashes of image set ``G`` or ``H``.

    Parameters
    ----------
    rng
        Generator of the stimuli.
    repeats
        Length of the task.
    image_set
        ``G`` or ``H``.
    novel
        Whether the animal was trained on the other set, so that the images that are not in both are novel.
    """
    n_flashes = FLASHES_PER_REPEAT * repeats
    task = simulate_task(rng, FIRST_FRAME_S, n_flashes, image_set)
    name, images = IMAGE_STIMULUS.format(image_set), IMAGES[image_set]
    unseen = np.array([novel and image not in IMAGES["H" if image_set == "G" else "G"] for image in images])
    gabors = _gabors(rng, n_flashes * FLASH_FRAMES + GREY_FRAMES)
    gabors_end = int(gabors["end_frame"].iloc[-1])
    flashes = _full_field(rng, gabors_end + GREY_FRAMES)
    passive = int(flashes["end_frame"].iloc[-1]) + ON_FRAMES
    tables = [
        _images(task, images, unseen, name, 0, 0),
        _grey(n_flashes * FLASH_FRAMES, 1),
        gabors,
        _grey(gabors_end, 3),
        flashes,
        _images(task, images, unseen, name, passive, 5),
    ]
    n_frames = passive + n_flashes * FLASH_FRAMES + 1
    return VbnStimuli(
        task=task,
        presentations=by_stimulus(tables),
        frame_times=FIRST_FRAME_S + FRAME_S * np.arange(n_frames, dtype=np.float64),
        image_stimulus=name,
        image_names=images,
    )


def _timed(start_frame: npt.NDArray[np.int64], n_frames: int, name: str, block: int) -> pd.DataFrame:
    stop_frame = start_frame + n_frames
    start, stop = FIRST_FRAME_S + FRAME_S * start_frame, FIRST_FRAME_S + FRAME_S * stop_frame
    return pd.DataFrame(
        {
            "start_time": start,
            "stop_time": stop,
            "duration": stop - start,
            "start_frame": start_frame,
            "end_frame": stop_frame.astype(np.float64),
            "stimulus_name": name,
            "stimulus_block": np.int64(block),
            "active": block == 0,
        }
    )


def _images(
    task: ChangeDetection,
    names: tuple[str, ...],
    unseen: npt.NDArray[np.bool_],
    stimulus: str,
    first_frame: int,
    block: int,
) -> pd.DataFrame:
    """Return the images of the task; an omission has the name ``omitted`` and no end frame, as in the release."""
    flashes = task.flashes
    omitted, image = flashes["omitted"].to_numpy(), flashes["image"].to_numpy()
    table = _timed(first_frame + FLASH_FRAMES * flashes["flash"].to_numpy(), ON_FRAMES, stimulus, block)
    table.loc[omitted, ["duration", "end_frame"]] = np.nan
    table["image_name"] = np.array([*names, "omitted"], dtype=object)[image]
    table["image_index"] = np.where(omitted, len(names), image)
    table["is_image_novel"] = np.where(omitted, False, unseen[image])
    for column in ("is_change", "is_sham_change", "omitted", "flashes_since_change", "trials_id"):
        table[column] = flashes[column].to_numpy()
    table["rewarded"] = flashes["rewarded"].to_numpy() & (block == 0)
    table["stimulus_index"] = np.int64(NULL_INTEGER)
    return table


def _grey(first_frame: int, block: int) -> pd.DataFrame:
    return _timed(np.array([first_frame]), GREY_FRAMES, "spontaneous", block)


def _gabors(rng: np.random.Generator, first_frame: int) -> pd.DataFrame:
    grid = gabor_grid(rng)
    table = _timed(first_frame + ON_FRAMES * np.arange(len(grid)), ON_FRAMES, "gabor_20_deg_250ms", 2)
    table["position_x"], table["position_y"], table["orientation"] = grid.T
    table["temporal_frequency"], table["spatial_frequency"], table["contrast"] = 4.0, 0.08, 0.8
    return table.assign(stimulus_index=np.int64(0))


def _full_field(rng: np.random.Generator, first_frame: int) -> pd.DataFrame:
    starts = first_frame + 120 * np.arange(N_FULL_FLASHES)
    table = _timed(starts, ON_FRAMES, "flash_250ms", 4)
    color = np.array([-1.0, 1.0])[rng.permutation(np.arange(N_FULL_FLASHES) % 2)]
    return table.assign(color=color, contrast=0.8, stimulus_index=np.int64(1))


def vbn_responses(rng: np.random.Generator, truths: Sequence[UnitTruth], stimuli: VbnStimuli) -> list[EvokedResponse]:
    """Return the extra spikes that the stimuli cause; ``truth.gain`` is in spikes per second of the best stimulus.

    Images drive a unit by its random preference, changed ones more; an omission drives none. Gabors and full-field
    flashes act as in Visual Coding.
    """
    tables = stimuli.presentations
    gabors = tables["gabor_20_deg_250ms"].rename(columns={"position_x": "x_position", "position_y": "y_position"})
    responses = stimulus_responses(rng, truths, {"flashes": tables["flash_250ms"], "gabors": gabors})
    images = tables[stimuli.image_stimulus]
    preference = rng.gamma(1.0, 0.8, size=(len(truths), len(stimuli.image_names)))
    shown = np.minimum(images["image_index"].to_numpy(), len(stimuli.image_names) - 1)
    strength = np.where(images["omitted"], 0.0, np.where(images["is_change"], CHANGE_GAIN, 1.0))
    gain = np.array([truth.gain for truth in truths])[:, None]
    start = images["start_time"].to_numpy()
    duration = images["stop_time"].to_numpy() - start
    weights = gain * preference[:, shown] * strength * duration
    return [*responses, EvokedResponse(times=start, durations=duration, weights=weights)]
