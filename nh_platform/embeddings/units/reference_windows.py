"""The stretch of a session that its units are described from: which there are, and which a stored table was made of.

Contains the named windows and the small file beside `unit_embeddings` that says what was taken. Add a window here.
Who joins embeddings looks at it: features of what is tested are a leak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from nh_platform.session import ConfigError, Spikes
from nh_platform.session.errors import close_matches
from nh_platform.store.codecs.json_files import read_json, write_json
from nh_platform.store.file_hashes import is_stored
from nh_platform.windows.splits.audit import WHOLE_SESSION

WINDOW_FILE = "reference_window.json"
"""File of `unit_embeddings` that says which stretch they describe."""


@dataclass(frozen=True)
class ReferenceWindow:
    """The stretch that units are described from, ``[start_s, stop_s)`` after the begin of the recorded time.

    Parameters
    ----------
    id
        Name.
    start_s, stop_s
        Seconds after the begin of the recorded time; ``stop_s`` none means to its end, which is included.
    """

    id: str
    start_s: float = 0.0
    stop_s: float | None = None


REFERENCE_WINDOWS = {
    window.id: window
    for window in (
        ReferenceWindow(WHOLE_SESSION),
        ReferenceWindow("start-10s", 0.0, 10.0),
        ReferenceWindow("start-30s", 0.0, 30.0),
    )
}
"""The whole session, and the short windows at its start from which a model can describe units it has never seen."""


@dataclass(frozen=True)
class UsedWindow:
    """The stretch that a table of embeddings was made of.

    Parameters
    ----------
    id
        Name of the window.
    start, stop
        Seconds on the session clock; NaN where the session has no spikes, or its limits were not written down.
    """

    id: str
    start: float
    stop: float

    def write(self, folder: Path) -> None:
        """Write it into the folder of the asset."""
        limits = {name: None if math.isnan(at) else at for name, at in (("start", self.start), ("stop", self.stop))}
        write_json(folder / WINDOW_FILE, {"id": self.id, **limits})

    @staticmethod
    def read(folder: Path) -> UsedWindow:
        """Read that of an asset; without the file it is the whole session, which all were made of before."""
        if not is_stored(folder / WINDOW_FILE):
            return UsedWindow(WHOLE_SESSION, math.nan, math.nan)
        stated = read_json(folder / WINDOW_FILE)
        start, stop = (math.nan if stated[name] is None else float(stated[name]) for name in ("start", "stop"))
        return UsedWindow(stated["id"], start, stop)


def checked_window(window: ReferenceWindow | str) -> ReferenceWindow:
    """Return a window, by its id.

    Raises
    ------
    ConfigError
        If there is none of that id, or it does not end after it starts.
    """
    if isinstance(window, str):
        if window not in REFERENCE_WINDOWS:
            known = ", ".join(sorted(REFERENCE_WINDOWS))
            action = f"Use one of {known}.{close_matches(window, REFERENCE_WINDOWS)}"
            raise ConfigError(f"reference window {window!r}", "is not known", action)
        window = REFERENCE_WINDOWS[window]
    if window.stop_s is not None and not window.stop_s > window.start_s:
        raise ConfigError(f"reference window {window.id}", "does not end after it starts", "Correct its times.")
    return window


def used_window(spikes: Spikes, window: ReferenceWindow | str) -> UsedWindow:
    """Return where a window lies in a session; raises as `checked_window`."""
    window, recorded = checked_window(window), spikes.recorded_time
    stop = recorded.stop if window.stop_s is None else recorded.start + window.stop_s
    return UsedWindow(window.id, recorded.start + window.start_s, stop)
