"""Running and eyes at the centres of bins: which columns, at which times of their samples, and NaN in their gaps.

Contains the interpolation in either mode and the gaps that it does not bridge. Add here what a tensor holds of another
signal. Means over presentations are `nh_platform.windows.presentations.presentation_counts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.session import Note, Signal
from nh_platform.session.display import counted
from nh_platform.session.sampling_gaps import gaps_of
from nh_platform.windows.intervals import within
from nh_platform.windows.presentations.conventions import Mode

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sampled:
    """One column of a signal with a time for every sample.

    Parameters
    ----------
    name
        Name of the column.
    times
        (n_samples,) seconds on the session clock, ascending.
    values
        (n_samples,) float64.
    """

    name: str
    times: FloatArray
    values: FloatArray

    def at(self, times: FloatArray, mode: Mode) -> npt.NDArray[np.float32]:
        """Return the value at ``times`` (s), any shape, linear between samples; a NaN sample spreads to its neighbours.

        ``exact``: NaN outside the recording and in gaps (`gaps_of`). ``mlynarski-compat``: the first and last value
        outside the recording, and straight lines through gaps, as that data set has them.
        """
        if mode == "mlynarski-compat":
            return np.interp(times, self.times, self.values).astype(np.float32)
        found = np.interp(times, self.times, self.values, left=np.nan, right=np.nan)
        gaps = gaps_of(self.times)
        # `within` counts the start of an interval to it, and at the last sample before the gap there is a value.
        found[within(times, np.column_stack([np.nextafter(gaps[:, 0], np.inf), gaps[:, 1]]))] = np.nan
        return found.astype(np.float32)


def gap_notes(signals: Mapping[str, Signal], mode: Mode) -> list[Note]:
    """Return a note for each signal of a tensor that has gaps, with how many and how long they are."""
    found = []
    for name in ("running_speed", "gaze", "pupil") if mode == "exact" else ():
        gaps = gaps_of(signals[name].timestamps) if name in signals else np.zeros((0, 2))
        if len(gaps):
            seconds = float((gaps[:, 1] - gaps[:, 0]).sum())
            many = counted(len(gaps), "gap")
            found.append(Note(f"{mode}, {name}", f"{many} between samples, of {seconds:.1f} s in all: NaN in the bins"))
    return found


def running_speed(signals: Mapping[str, Signal], mode: Mode) -> Sampled | None:
    """Return running speed (cm/s) at the start of its samples, as that data set has it, or at their middle."""
    speed = signals.get("running_speed")
    if speed is None or not len(speed.timestamps):
        return None
    times = speed.timestamps
    if mode == "exact":
        ends = speed.values[:, 1].astype(np.float64)
        times = np.where(np.isfinite(ends), (times + ends) / 2, times)
    return Sampled("speed", times, speed.values[:, 0].astype(np.float64))


def eye_columns(signals: Mapping[str, Signal], mode: Mode) -> list[Sampled]:
    """Return the eye data: the raw gaze of that data set, or all gaze and the pupil."""
    chosen = []
    for signal_name in ("gaze", "pupil"):
        signal = signals.get(signal_name)
        if signal is None or not len(signal.timestamps):
            continue
        for index, name in enumerate(signal.columns):
            wanted = name.startswith("raw_") or (mode == "exact" and name.startswith(("filtered_", "pupil_")))
            if wanted:
                chosen.append(Sampled(name, signal.timestamps, signal.values[:, index].astype(np.float64)))
    return chosen
