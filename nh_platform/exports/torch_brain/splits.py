"""When a session was recorded well, and which of that time trains, validates and tests.

Contains the domain, the invalid times beside it, and the split domains. Add here another way to divide a session. How a
session is divided is computed by `nh_platform.windows.splits`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nh_platform.exports.torch_brain.objects import FloatArray, Group, data, interval
from nh_platform.exports.torch_brain.text import as_name
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.windows.intervals import merged_pairs, valid_stretches
from nh_platform.windows.splits import causal_ranges, task_time_ranges
from nh_platform.windows.splits.time_ranges import GAP_S, Ranges

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

CAUSAL, TASK, NONE, TRAINING_SET = "causal", "task", "none", "training-set:"
WAYS = f"{CAUSAL}, {TASK}, {NONE}, or {TRAINING_SET}NAME"

_NAMES = {"train": ("train",), "valid": ("valid", "val"), "test": ("test",)}
"""Names that a split has in a file: torch_brain's own datasets say ``valid``, BrainWideBench says ``val``."""


def settled_split(split: str, home: Path) -> str:
    """Return the way of dividing, with the number of a training set's version where it does not state one.

    Raises
    ------
    ConfigError
        If there is no such way.
    UnknownSession
        If there is no such training set.
    """
    if split.startswith(TRAINING_SET):
        from nh_platform.training_sets import open_training_set

        opened = open_training_set(split.removeprefix(TRAINING_SET), home)
        return f"{TRAINING_SET}{opened.content.id}@{opened.number}"
    if split not in (CAUSAL, TASK, NONE):
        near = close_matches(split, (CAUSAL, TASK, NONE, TRAINING_SET))
        raise ConfigError(f"split {split!r}", f"there is no such way to divide a session: {WAYS}", f"Use one.{near}")
    return split


def recorded_bounds(session: SessionView) -> tuple[float, float]:
    """Return from when to when (s) a session was recorded: the first and last spike of all of its units.

    Raises
    ------
    UnknownSession
        If it has no spikes.
    """
    recorded = session.spikes.recorded_time
    if not recorded.stop > recorded.start:
        name = f"{session.source} session {session.session_id}"
        raise UnknownSession(name, "it has no spikes that span any time", "Leave the session out.")
    return recorded.start, recorded.stop


def valid_domain(session: SessionView) -> FloatArray:
    """Return the stretches (n, 2) in s of the recorded time in which windows are valid.

    Cut out are intervals of all probes and of the stimulus, those of counted reviews, and pauses.
    """
    return valid_stretches(*recorded_bounds(session), session.invalid_times.session)


def invalid_group(session: SessionView) -> Group:
    """Return what is cut out of the domain, ``session``, and what is invalid for one probe alone, by its name.

    The domain keeps the time of a single probe's interval: its units are to be left out there.
    """
    bounds = recorded_bounds(session)
    probes = {as_name(str(one)): session.invalid_times.probes.get(one, _NOTHING) for one in session.probes["probe"]}
    ranges = {"session": session.invalid_times.session, **probes}
    return data({}, {name: interval(_longer(one)) for name, one in ranges.items()}, domain=np.array([bounds]))


def split_groups(session: SessionView, split: str, home: Path) -> dict[str, Group]:
    """Return ``<split>_domain`` for train, valid, val and test; none where the split is ``none``.

    Raises
    ------
    ConfigError
        If the session is too short to be divided, has no trials to divide by, or is none of the training set.
    """
    if split == NONE:
        return {}
    ranges = _of_set(session, split, home) if split.startswith(TRAINING_SET) else _WAYS[split](session)
    return {f"{name}_domain": interval(ranges.get(one, _NOTHING)) for one, names in _NAMES.items() for name in names}


_NOTHING = np.zeros((0, 2))


def _longer(ranges: FloatArray) -> FloatArray:
    """Return the intervals that last some time; at a single moment nothing lies."""
    return ranges[ranges[:, 1] > ranges[:, 0]]


def _causal(session: SessionView) -> Ranges:
    start, stop = recorded_bounds(session)
    return causal_ranges(start, stop, gap_s=GAP_S, invalid=session.invalid_times.session)


def _by_task(session: SessionView) -> Ranges:
    from nh_platform.exports.torch_brain.tables import closed_rows

    start, stop = recorded_bounds(session)
    try:
        trials = session.trials
    except UnknownSession as error:
        raise ConfigError(error.thing, error.found, f"Divide it otherwise: `--split {CAUSAL}`.") from error
    _, spans, _ = closed_rows("trials", trials, stop, [])
    within = spans[(spans[:, 0] >= start) & (spans[:, 1] <= stop)]
    return without_invalid(task_time_ranges(start, stop, within), session)


_WAYS: Mapping[str, Callable[[SessionView], Ranges]] = {CAUSAL: _causal, TASK: _by_task}


def _of_set(session: SessionView, split: str, home: Path) -> Ranges:
    """Return the stretches that a training set divides a session into; all of it where whole sessions are divided."""
    from nh_platform.training_sets import open_training_set

    name = split.removeprefix(TRAINING_SET)
    opened = open_training_set(name, home)
    key = (session.source, session.session_id)
    thing = f"{session.source} session {session.session_id}"
    rows = opened.sessions
    of: Any = rows[(rows["source"] == key[0]) & (rows["session_id"] == key[1])]
    if of.empty:
        raise ConfigError(thing, f"it is none of training set {name}", "Leave the session out, or divide it otherwise.")
    opened.session(session.session_id, session.source)  # refuses where the stored data are not those of the set
    ranges = opened.content.ranges_of().get(key)
    if ranges is not None and set(ranges) <= set(_NAMES):
        return without_invalid(ranges, session)
    where = str(of["split"].iloc[0])
    if where not in _NAMES:
        raise ConfigError(thing, f"it is {where} in training set {name}, and neither trains nor tests", "Leave it out.")
    return {where: valid_domain(session)}


def without_invalid(ranges: Ranges, session: SessionView) -> Ranges:
    """Return the stretches without the invalid time of the session, and within the recorded time."""
    start, stop = recorded_bounds(session)
    invalid = session.invalid_times.session
    return {
        name: merged_pairs(
            pair
            for low, high in stretches
            for pair in valid_stretches(max(float(low), start), min(float(high), stop), invalid)
        )
        for name, stretches in ranges.items()
    }
