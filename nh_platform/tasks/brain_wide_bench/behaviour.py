"""The behaviour of a session on the benchmark's grid: whisker, wheel, licks, paws.

Contains what of a session becomes a signal at 50 Hz, and the grid: the frames of the left camera, from the first one
on. The arithmetic is `signals`; windows of it are `trial_signals`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from nh_platform.reading.wheel_motion import RATE_HZ as WHEEL_HZ
from nh_platform.reading.wheel_motion import wheel_motion
from nh_platform.session.tables.events import LICKS
from nh_platform.tasks.brain_wide_bench.signals import (
    CAMERA_RATES_HZ,
    PAD_S,
    RATE_HZ,
    GridSignal,
    camera_rate,
    confident,
    decimated_wheel,
    even_samples,
    event_counts,
    is_known_rate,
    resampled_to_grid,
    speed,
)
from nh_platform.tasks.lacking import lacking, says_what_lacks

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

FloatArray = npt.NDArray[np.float64]
Side = Literal["left", "right"]

CAMERA = "left"
MOTION_ENERGY = f"motion_energy_{CAMERA}"

_IMAGE_SIDE: dict[Side, str] = {"left": "r", "right": "l"}
"""The paw on the left of the image is the animal's right paw: the left camera looks at the animal."""


@says_what_lacks
def whisker_motion_energy(session: SessionView) -> GridSignal:
    """Return the motion energy of the whisker pad as the left camera saw it, in upstream's units.

    Frames without a value (NaN) are bridged by a line between those around them, however long, and count like others.

    Raises
    ------
    TargetMissing
        If the session has none, or the camera's rate is not 60 or 150 Hz within 1 Hz.
    """
    even, energy = even_samples(*_motion_energy(session))
    return GridSignal(float(even[0]), resampled_to_grid(even, energy[:, None])[:, 0])


@says_what_lacks
def wheel_speed(session: SessionView) -> GridSignal:
    """Return the speed of the wheel in rad/s, of whatever sign its velocity is.

    The velocity is brainbox's at 1 kHz (low-passed at 20 Hz), decimated by 10 and then 2 to 50 Hz.

    Raises
    ------
    TargetMissing
        If the session has no wheel, no left camera, which gives the grid, or too few samples of one.
    """
    start, _ = _grid(session)
    motion = wheel_motion(session.signal("wheel_position"))
    found = decimated_wheel(motion.times, motion.velocity, start, WHEEL_HZ)
    if found is None:
        raise lacking(session, "its wheel lasts less than 1 s", "Leave the session out.")
    return found


@says_what_lacks
def licks(session: SessionView) -> GridSignal:
    """Return the number of licks in each step of the grid of 20 ms.

    The benchmark stores them as a rate, times 50, and scores them as counts again.

    Raises
    ------
    TargetMissing
        If upstream has no licks of the session, or it has no left camera.
    """
    start, n = _grid(session)
    if LICKS.name not in session.events:
        raise lacking(session, "upstream has no licks of it", "Leave the session out.")
    times = session.events[LICKS.name]["times"].to_numpy(dtype=np.float64)
    return GridSignal(start, event_counts(times, start, n))


@says_what_lacks
def paw_speed(session: SessionView, side: Side) -> GridSignal:
    """Return the speed of one of the animal's front paws in px/s, and where Lightning Pose was sure of it.

    Speed is the length of the central differences at the camera's rate; it and the likelihood are resampled alike. A
    sample counts where its likelihood and that of both beside it is at least 0.9. Frames without a position or a
    likelihood (NaN) are bridged by a line between those around them, likelihood included, so that they count where
    those are sure.

    Raises
    ------
    TargetMissing
        If `pose` was not made or has no paws of the left camera, or the camera's rate is not 60 or 150 Hz.
    """
    columns = [f"paw_{_IMAGE_SIDE[side]}_{name}" for name in ("x", "y", "likelihood")]
    table = session.pose(CAMERA, "lightningPose", 0.0)
    missing = [column for column in columns if column not in table]
    if missing:
        found = f"Lightning Pose of the {CAMERA} camera has no {', '.join(missing)}"
        raise lacking(session, found, "Leave the session out.")
    times, values = table["times"].to_numpy(dtype=np.float64), table[columns].to_numpy(dtype=np.float64)
    even, points = even_samples(*_checked_frames(session, times, values))
    moving = speed(points[:, :2], camera_rate(even))
    on_grid = resampled_to_grid(even, np.column_stack([moving, points[:, 2]]))
    return GridSignal(float(even[0]), on_grid[:, 0], confident(on_grid[:, 1]))


def _grid(session: SessionView) -> tuple[float, int]:
    """Return the first time (s) of the grid and how many samples it has: from the first to before the last frame."""
    if MOTION_ENERGY in session.signals:
        times, _ = _motion_energy(session)
    else:
        table = session.pose(CAMERA, "lightningPose", 0.0)
        frames: FloatArray = table["times"].to_numpy(dtype=np.float64)
        times, _ = _checked_frames(session, frames, np.zeros_like(frames))
    even = np.arange(times[0], times[-1], 1.0 / camera_rate(times), dtype=np.float64)
    return float(even[0]), len(np.arange(even[0], even[-1], 1.0 / RATE_HZ, dtype=np.float64))


def _motion_energy(session: SessionView) -> tuple[FloatArray, FloatArray]:
    signal = session.signal(MOTION_ENERGY)
    return _checked_frames(session, signal.timestamps, signal.values.astype(np.float64).reshape(-1))


def _checked_frames(session: SessionView, times: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the frames whose values are all known; refuses a camera whose rate the benchmark does not take.

    Those that are left out are bridged by `even_samples`, and at the ends the signal begins later or ends earlier.
    """
    if not len(times):
        raise lacking(session, f"its {CAMERA} camera has no frames", "Leave the session out.")
    known = np.isfinite(values).reshape(len(times), -1).all(axis=1) & np.isfinite(times)
    times, values = times[known], values[known]
    if len(times) < 2 or times[-1] - times[0] <= 2 * PAD_S:
        raise lacking(session, f"its {CAMERA} camera has no 2 s of known frames", "Leave the session out.")
    rate = camera_rate(times)
    if not is_known_rate(rate):
        taken = " or ".join(f"{known_rate:g}" for known_rate in CAMERA_RATES_HZ)
        found = f"its {CAMERA} camera runs at {rate:.4g} Hz, and the benchmark takes {taken} Hz within 1 Hz"
        raise lacking(session, found, "Leave the session out.")
    return times, values
