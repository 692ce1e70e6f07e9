"""The stretch of a session that its units are described from: which there are, and which a stored table was made of.

Contains the names of the windows and the small file beside `unit_embeddings` that says what was taken. Where a window
lies in a session is `window_places`. Add a name here. Who joins embeddings looks at what was taken: features of what is
tested are a leak.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.store.codecs.json_files import read_json, write_json
from nh_platform.store.file_hashes import is_stored
from nh_platform.windows.splits.audited_record import WHOLE_SESSION

WINDOW_FILE = "reference_window.json"
"""File of `unit_embeddings` that says which stretch they describe."""

START, PRE_TASK, FIRST_BLOCK, TASK = "start", "pre-task", "first-block", "task"
SPONTANEOUS, GRATINGS = "spontaneous", "drifting-gratings"
"""Kinds of windows; those of `LENGTHS_S` have a length in their name."""

LENGTHS_S = {START: (10, 30), TASK: (10, 3600), SPONTANEOUS: (10, 3600)}
"""Shortest and longest window, seconds, of each kind that is named with its length, as ``start-30s``."""

REFERENCE_WINDOWS = {
    WHOLE_SESSION: "the whole session; it has seen whatever is tested",
    "start-10s … start-30s": "from the begin of the recorded time; any whole number of seconds from 10 to 30",
    PRE_TASK: "from the begin of the recorded time to the first trial",
    FIRST_BLOCK: "from the first trial to the end of the last one of the first block of equal `probabilityLeft` (IBL)",
    "task-10s … task-3600s": "from the first trial on, for that long: the first minutes of the task",
    "spontaneous-10s … spontaneous-3600s": (
        "the first seconds of spontaneous activity, joined in time: Allen's `spontaneous` presentations, IBL's "
        "passive `spontaneousActivity`; `spontaneous-300s` for Visual Coding"
    ),
    GRATINGS: "every drifting grating of either type of Visual Coding sessions, with the mean response by direction",
}
"""What each window is, by the form of its name."""

_EXAMPLES = (
    WHOLE_SESSION, "start-10s", "start-20s", "start-30s", PRE_TASK, FIRST_BLOCK, "task-300s", "spontaneous-300s",
    GRATINGS,
)  # fmt: skip


@dataclass(frozen=True)
class ReferenceWindow:
    """The stretch that units are described from.

    Parameters
    ----------
    id
        Name.
    start_s, stop_s
        Of windows of kind ``start``, and of one of your own: seconds after the begin of the recorded time; ``stop_s``
        none means to its end, which is included.
    kind
        What limits it.
    length_s
        Seconds that are asked for; None where events say how long it is.
    """

    id: str
    start_s: float = 0.0
    stop_s: float | None = None
    kind: str = START
    length_s: float | None = None


@dataclass(frozen=True)
class UsedWindow:
    """The stretch that a table of embeddings was made of.

    Parameters
    ----------
    id
        Name of the window.
    start, stop
        Seconds on the session clock, from the begin of the first interval to the end of the last one; NaN where there
        was nothing to take, or its limits were not written down.
    intervals
        (start, stop) in seconds of the window's parts, ascending and apart; empty where it is one, ``start`` to
        ``stop``.
    notes
        What the session lacks of it, in words; they are kept in the provenance.
    """

    id: str
    start: float
    stop: float
    intervals: tuple[tuple[float, float], ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def stretches(self) -> npt.NDArray[np.float64]:
        """(n, 2) start and stop in seconds of its parts; none where there was nothing to take."""
        if self.intervals:
            return np.array(self.intervals, dtype=np.float64)
        return np.array([[self.start, self.stop]]) if self.start < self.stop else np.zeros((0, 2))

    @property
    def available_s(self) -> float:
        """Seconds that were available, invalid time included."""
        return float(np.diff(self.stretches, axis=1).sum())

    @property
    def is_empty(self) -> bool:
        """Whether the session has none of it, so that its units are not described."""
        return self.id != WHOLE_SESSION and math.isnan(self.start)

    def write(self, folder: Path) -> None:
        """Write it into the folder of the asset."""
        limits = {name: None if math.isnan(at) else at for name, at in (("start", self.start), ("stop", self.stop))}
        parts = {"available_s": self.available_s, "intervals": self.stretches.tolist()}
        write_json(folder / WINDOW_FILE, {"id": self.id, **limits, **parts})

    @staticmethod
    def read(folder: Path) -> UsedWindow:
        """Read that of an asset; without the file it is the whole session, which all were made of before."""
        if not is_stored(folder / WINDOW_FILE):
            return UsedWindow(WHOLE_SESSION, math.nan, math.nan)
        stated = read_json(folder / WINDOW_FILE)
        start, stop = (math.nan if stated[name] is None else float(stated[name]) for name in ("start", "stop"))
        parts = [(float(one), float(other)) for one, other in stated.get("intervals", ())]
        return UsedWindow(stated["id"], start, stop, tuple(parts) if len(parts) > 1 else ())


def checked_window(window: ReferenceWindow | str) -> ReferenceWindow:
    """Return a window, by its id.

    Raises
    ------
    ConfigError
        If there is none of that id, or it does not end after it starts.

    Examples
    --------
    >>> checked_window("start-20s").stop_s
    20.0
    >>> checked_window("spontaneous-300s").length_s
    300.0
    """
    if isinstance(window, str):
        window = _named(window)
    if window.stop_s is not None and not window.stop_s > window.start_s:
        raise ConfigError(f"reference window {window.id}", "does not end after it starts", "Correct its times.")
    return window


def _named(name: str) -> ReferenceWindow:
    if name == WHOLE_SESSION:
        return ReferenceWindow(name)
    if name in (PRE_TASK, FIRST_BLOCK, GRATINGS):
        return ReferenceWindow(name, kind=name)
    stated = re.fullmatch(r"([a-z]+)-([1-9][0-9]{0,5})s", name)
    if stated is None or stated[1] not in LENGTHS_S:
        action = f"Use one of {'; '.join(REFERENCE_WINDOWS)}.{close_matches(name, _EXAMPLES)}"
        raise ConfigError(f"reference window {name!r}", "is not known", action)
    kind, length = stated[1], float(stated[2])
    shortest, longest = LENGTHS_S[kind]
    if not shortest <= length <= longest:
        action = f"State {kind}-{shortest}s to {kind}-{longest}s."
        raise ConfigError(f"reference window {name!r}", f"lasts {length:g} s", action)
    return ReferenceWindow(name, stop_s=length if kind == START else None, kind=kind, length_s=length)
