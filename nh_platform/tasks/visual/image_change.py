"""The task ``vb-image_change``: whether the image changed at a flash of the change detection task, from its spikes.

Contains the targets of a session. Add here what else flashes of Visual Behavior are asked for. The split by time is
`nh_platform.windows.splits.time_ranges`; how it is scored is `nh_platform.tasks.metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.tasks.task import TargetMissing, TaskData
from nh_platform.tasks.visual.presented_windows import (
    INVALID,
    NEXT_BEGINS,
    before_next_onset,
    counts_by_row,
    ids_of,
    presentations_of,
    recorded_well,
    session_name,
    stimuli_of,
)
from nh_platform.windows.splits.time_ranges import GAP_S, causal_ranges, windows_within

if TYPE_CHECKING:
    from nh_platform.reading import SessionView
    from nh_platform.reading.unit_psth import UnitChoice

NAME = "vb-image_change"
WINDOW_S = 0.25
"""An image is on for 250 ms, and the animal licks later: 0.15 s after the change is the earliest lick that counts as a
response (AllenSDK's response window of 0.15 to 0.75 s), most come after 0.3 s. A longer window would read the lick and
the reward."""
BIN_S = 0.05
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}
LABELS = ("same", "changed")
COLUMNS = ("active", "omitted", "is_change")
"""Columns of presentations that only image flashes of Visual Behavior have."""

BoolArray = npt.NDArray[np.bool_]


def image_change(session: SessionView, units: UnitChoice = None) -> TaskData:
    """Return whether the image was another than before in each flash of the active block.

    A row is a valid flash with an image while the animal did the task; omissions are left out, sham changes and
    repeated images are ``same``. Windows are ``[onset, onset + 0.25 s)`` in five bins. The split is causal: the first
    60 % of the block's time train, then 20 % validate and 20 % test, with 20 s between them that are in no split. One
    flash in ten or so is a change, so that accuracy alone would say nothing: classes are to be balanced.

    Parameters
    ----------
    session
        A session of Visual Behavior.
    units
        Which units, as of `SessionView.psth`; all where None.

    Raises
    ------
    TargetMissing
        If the session has no flashes of the task, nothing of them was recorded well, or a split has no flash with, or
        none without, a change.
    """
    presentations = presentations_of(session, NAME)
    lacking = [name for name in COLUMNS if name not in presentations]
    active = np.zeros(len(presentations), dtype=bool) if lacking else _true(presentations["active"])
    changes = np.zeros(0) if lacking else _numbers(presentations["is_change"])
    flashes = presentations[active & np.isfinite(changes)] if not lacking else presentations[:0]
    if flashes.empty:
        why = f"its presentations have no column {' or '.join(lacking)}" if lacking else "no flash has it"
        raise TargetMissing(
            session_name(session),
            f"there is no image flash of an active block ({why}); it shows {stimuli_of(presentations)}",
            "Take sessions of Visual Behavior, source allen_vbn.",
        )
    omitted = _true(flashes["omitted"])
    valid = flashes["valid"].to_numpy(dtype=bool)
    left_out = {"show no image: it was omitted": int(omitted.sum()), "are not valid": int((~omitted & ~valid).sum())}
    block = flashes["start_time"].min(), flashes["start_time"].max() + WINDOW_S
    flashes = flashes[~omitted & valid]
    starts = flashes["start_time"].to_numpy(dtype=np.float64)
    alone = before_next_onset(starts, presentations, WINDOW_S)
    well = recorded_well(session, starts, WINDOW_S, units)
    left_out |= {NEXT_BEGINS: int((~alone).sum()), INVALID: int((alone & ~well).sum())}
    split = _causal_split(session, starts, (float(block[0]), float(block[1])))
    n_valid = int((split == "test").sum())
    flashes, starts, split = flashes[alone & well], starts[alone & well], split[alone & well]
    classes = (_numbers(flashes["is_change"]) > 0).astype(np.int64)
    _check_classes(session, classes, split)
    return TaskData(
        task=NAME,
        source=session.source,
        session_id=session.session_id,
        row_ids=flashes["presentation_id"].to_numpy(dtype=np.int64),
        starts=starts,
        window_s=WINDOW_S,
        bin_s=BIN_S,
        inputs=counts_by_row(session, starts, WINDOW_S, BIN_S, units),
        outputs=lambda rows: classes[rows],
        input_ids=ids_of(session, units),
        timestamps=np.zeros(0),
        mask=np.ones(len(starts), dtype=bool),
        split=split,
        label_names=LABELS,
        left_out={why: n for why, n in left_out.items() if n},
        n_valid=n_valid,
    )


def _causal_split(
    session: SessionView, starts: npt.NDArray[np.float64], block: tuple[float, float]
) -> npt.NDArray[np.object_]:
    """Return (n,) the split of windows from their starts (s); empty in the gaps."""
    try:
        ranges = causal_ranges(*block, SHARES, GAP_S)
    except ConfigError as error:
        found = f"its active block, {block[0]:.1f} to {block[1]:.1f} s, cannot be split: {error.found}"
        raise TargetMissing(session_name(session), found, "Take a longer session.") from error
    split = np.full(len(starts), "", dtype=object)
    for name, stretches in ranges.items():
        split[windows_within(starts, starts + WINDOW_S, stretches)] = name
    return split


def _check_classes(session: SessionView, classes: npt.NDArray[np.int64], split: npt.NDArray[np.object_]) -> None:
    for name in SHARES:
        of_class = np.bincount(classes[split == name], minlength=2)
        if not of_class.all():
            counts = f"{of_class[1]} of {of_class.sum()} flashes in {name}"
            raise TargetMissing(
                session_name(session),
                f"the image changes at {counts}: a split needs flashes of both kinds",
                "Take a longer session.",
            )


def _numbers(values: pd.Series) -> npt.NDArray[np.float64]:
    """Return values as numbers, as bool columns of upstream come with nulls; NaN where there is none."""
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)


def _true(values: pd.Series) -> BoolArray:
    return _numbers(values) > 0
