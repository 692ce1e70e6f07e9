"""Trials of the unified file, and the number of the stimulus of each.

Contains what a stimulus is in every source. Add here a table of trials whose stimulus is something else. A trial is
what `SessionView.trials` has as such, or a presentation of the one stimulus that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading import SessionView
from nh_platform.reading.presentations_view import choose_presentations
from nh_platform.session import ConfigError
from nh_platform.session.tables.events import CHANGE_TRIALS, PRESENTATIONS, TRIALS

IntArray = npt.NDArray[np.int64]

NO_STIMULUS = -1
"""Number of a trial without a stimulus; Allen's frame of grey is −1 too."""

_FRAMES = ("frame", "image_index")
"""Columns of presentations whose numbers are kept as they are where one stimulus is asked for."""

_COUNTERS = frozenset(
    {
        "stimulus_index", "start_frame", "end_frame", "flashes_since_change", "trials_id", "is_change",
        "is_sham_change", "rewarded", "active", "duration", "is_image_novel", "image_index",
    }
)  # fmt: skip
"""Columns of presentations that say when and how often, not what was shown; an image has its name."""

_FIXED = frozenset(column.name for column in PRESENTATIONS.columns) | {
    "stimulus_onset", "response_time", "reward_time", "correct"
}  # fmt: skip


@dataclass(frozen=True)
class NumberedTrials:
    """Trials with the number of their stimulus.

    Parameters
    ----------
    table
        One row per trial, by start time.
    stimulus
        (n_trials,) int64; None where the table says of no stimulus.
    names
        What each number from 0 means; empty where the numbers are upstream's own.
    words
        What the numbers are, in a sentence.
    """

    table: pd.DataFrame
    stimulus: IntArray | None
    names: tuple[str, ...]
    words: str


def numbered_trials(session: SessionView, stimulus: str = "") -> NumberedTrials | None:
    """Return the trials of a session by start time; None where it has none.

    Parameters
    ----------
    session
        The session; `events` is made.
    stimulus
        A stimulus whose presentations are the trials; trials as `SessionView.trials` where empty.

    Raises
    ------
    ConfigError
        If the session was not shown the stimulus.
    UnknownSession
        If it has no presentations, and a stimulus is asked for.
    """
    if stimulus:
        shown = sorted(set(session.presentations["stimulus_name"]))
        if stimulus not in shown:
            who = f"{session.source} session {session.session_id}"
            raise ConfigError(
                who, f"{stimulus} was not shown in it; shown were {', '.join(shown)}", "Name one of those."
            )
        return _of_stimulus(choose_presentations(session.presentations, stimulus), stimulus)
    tables = set(session.events)
    if not tables & {TRIALS.name, CHANGE_TRIALS.name, "lab_trials", PRESENTATIONS.name}:
        return None
    table = session.trials.sort_values("start_time", kind="stable").reset_index(drop=True)
    if TRIALS.name in tables:
        return _contrasts(table)
    if CHANGE_TRIALS.name in tables:
        texts = table["change_image_name"].astype(object)
        return _named(table, texts.where(texts.notna(), None), "the image after the change, or that stayed")
    if "lab_trials" in tables:
        return NumberedTrials(table, None, (), "")
    return _conditions(table, "the stimulus with its parameters")


def _contrasts(table: pd.DataFrame) -> NumberedTrials:
    """Return IBL's trials: left from full to no contrast, then right from none to full; both have a contrast of 0."""
    left, right = table["contrastLeft"].to_numpy(np.float64), table["contrastRight"].to_numpy(np.float64)
    signed = np.where(np.isfinite(right), right, -left)
    stated = np.isfinite(signed)
    side = np.isfinite(right)
    keys = sorted({(bool(s), float(c)) for s, c in zip(side[stated], signed[stated])}, key=lambda key: key)
    place = {key: number for number, key in enumerate(keys)}
    pairs = zip(stated, side, signed)
    ids = [place[bool(is_right), float(c)] if ok else NO_STIMULUS for ok, is_right, c in pairs]
    names = tuple(f"{'right' if is_right else 'left'} {_full(abs(contrast))}" for is_right, contrast in keys)
    added = table.assign(signed_contrast=signed + 0.0)
    return NumberedTrials(added, np.array(ids, dtype=np.int64), names, "row of stimuli/names: side and contrast")


def _of_stimulus(table: pd.DataFrame, stimulus: str) -> NumberedTrials:
    for column in _FRAMES:
        numbers = pd.to_numeric(table[column], errors="coerce") if column in table else pd.Series(dtype=float)
        if numbers.notna().any():
            ids = numbers.fillna(NO_STIMULUS).to_numpy().astype(np.int64)
            return NumberedTrials(table, ids, (), f"{column} of {stimulus} as upstream numbers it, -1 is grey or none")
    return _conditions(table, f"the parameters of {stimulus}")


def _named(table: pd.DataFrame, texts: pd.Series, words: str) -> NumberedTrials:
    names = sorted(set(texts.dropna()))
    place = {name: number for number, name in enumerate(names)}
    ids = np.array([NO_STIMULUS if pd.isna(text) else place[text] for text in texts], dtype=np.int64)
    return NumberedTrials(table, ids, tuple(names), f"row of stimuli/names: {words}")


def _conditions(table: pd.DataFrame, words: str) -> NumberedTrials:
    """Return presentations numbered by what each showed: the name of the stimulus and every parameter that it states.

    Conditions are numbered in the order of their texts, and each has a number of its own: one whose text is another's
    (a parameter that is the number 1 here and the text ``1`` there) is not that other.
    """
    columns = [name for name in table if name not in _FIXED | _COUNTERS]
    keys = ["stimulus_name", *columns]
    groups = table.groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
    first = np.unique(groups, return_index=True)[1]
    texts = [
        " ".join([str(row[0]), *(f"{name}={_full(value)}" for name, value in zip(columns, row[1:]) if pd.notna(value))])
        for row in table.iloc[first][keys].itertuples(index=False, name=None)
    ]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    numbers = np.empty(len(texts), dtype=np.int64)
    numbers[order] = np.arange(len(texts))
    names = tuple(texts[one] for one in order)
    return NumberedTrials(table, numbers[groups], names, f"row of stimuli/names: {words}")


def _full(value: object) -> str:
    # In full: six digits would write the ids 1234567 and 1234568, which are float64 beside nulls, as 1.23457e+06.
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
