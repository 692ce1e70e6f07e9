"""Sessions made by hand: what targets read of a session, in memory, with answers that can be worked out on paper.

Add here what another target reads of a session. Sessions of a real store are in the fixtures of `conftest`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from nh_platform.qc.metrics.interval_histograms import ISI, UnitHistogram
from nh_platform.reading import SessionView
from nh_platform.session import Session, Signal, Spikes, UnknownSession
from nh_platform.windows.valid_time import NOTHING_INVALID, InvalidTimes, ValidSpikes, valid_spikes

NAMES = (
    "ts1-choice",
    "ts1-reward",
    "ts1-stimulus_contrast",
    "ts1-licking_rate",
    "ts1-whisker_motion_energy",
    "ts1-wheel_speed",
    "ts1-left_paw_speed",
    "ts1-right_paw_speed",
    "ts2-co_smoothing",
    "ts2-forecasting",
    "ts3-unit_cosmos",
)
"""The benchmark's tasks, each suite's in the order of ``SUITE_TASKS`` or the documents'."""


def spikes_of(*units: Sequence[float]) -> Spikes:
    times = np.concatenate([np.asarray(unit, dtype=np.float64) for unit in units])
    nothing = np.full(len(times), np.nan, dtype=np.float32)
    return Spikes(times, np.concatenate([[0], np.cumsum([len(unit) for unit in units])]), nothing, nothing)


def trials_at(onsets: Sequence[float], **columns: Sequence[float]) -> pd.DataFrame:
    """Return trials with a stimulus at ``onsets``, left and right in turn, the movement 0.5 s feedback 1 s later."""
    n, on = len(onsets), np.asarray(onsets, dtype=np.float64)
    side = np.where(np.arange(n) % 2, -1.0, 1.0)
    table = {
        "start_time": on - 0.5,
        "stop_time": on + 2.0,
        "stimOn_times": on,
        "firstMovement_times": on + 0.5,
        "feedback_times": on + 1.0,
        "choice": side,
        "contrastLeft": np.where(side > 0, 0.25, np.nan),
        "contrastRight": np.where(side > 0, np.nan, 0.25),
        "feedbackType": np.ones(n),
        "probabilityLeft": np.full(n, 0.5),
    }
    return pd.DataFrame(table | {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()})


@dataclass
class HandMade:
    """What targets read of a session. Parameters are the properties of `SessionView`."""

    spikes: Spikes
    events: Mapping[str, pd.DataFrame]
    units: pd.DataFrame
    signals: Mapping[str, Signal] = field(default_factory=dict)
    poses: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    intervals: np.ndarray | None = None
    invalid_times: InvalidTimes = NOTHING_INVALID
    source: str = "ibl"
    session_id: str = "by-hand"
    subject: str = "mouse"

    @property
    def info(self) -> Session:
        return Session(self.source, self.session_id, self.subject)

    @property
    def valid_spikes(self) -> ValidSpikes:
        return valid_spikes(self.spikes, self.units["probe"].tolist(), self.invalid_times)

    @property
    def isi_histograms(self) -> UnitHistogram:
        none = np.zeros((self.spikes.n_units, 60), dtype=np.int64)
        return UnitHistogram(ISI, none if self.intervals is None else self.intervals, np.zeros(61))

    def signal(self, name: str) -> Signal:
        if name not in self.signals:
            raise UnknownSession(f"signal {name!r}", f"it has {', '.join(self.signals) or 'none'}", "Use one of those.")
        return self.signals[name]

    def pose(self, camera: str, tracker: str, likelihood: float) -> pd.DataFrame:
        assert (tracker, likelihood) == ("lightningPose", 0.0)
        if camera not in self.poses:
            raise UnknownSession("pose of ibl session", "not made", "Name it in `also_assets`.")
        return self.poses[camera]


def session_of(
    spikes: Spikes, trials: pd.DataFrame | None, units: Mapping[str, Any] | None = None, **others: Any
) -> SessionView:
    """Return a session with these spikes and trials; units are on one probe, named a, b, c …, if not stated."""
    named = {"unit_id": [chr(ord("a") + unit) for unit in range(spikes.n_units)], "probe": "probe00"}
    table = pd.DataFrame(named | dict(units or {}), index=range(spikes.n_units))
    events = {} if trials is None else {"trials": trials}
    return cast(SessionView, HandMade(spikes, events | others.pop("events", {}), table, **others))
