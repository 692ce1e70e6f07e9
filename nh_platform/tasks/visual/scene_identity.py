"""The task ``vc-natural_scene``: which of 118 images was shown, from the spikes of its 250 ms.

Contains the targets of a session. Add here what else natural scenes of Visual Coding are asked for. The split of
repeats is `repeat_splits`; how it is scored is `nh_platform.tasks.metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

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
from nh_platform.tasks.visual.repeat_splits import split_repeats
from nh_platform.windows.presentations.conventions import N_SCENES

if TYPE_CHECKING:
    from nh_platform.reading import SessionView
    from nh_platform.reading.unit_psth import UnitChoice

NAME = "vc-natural_scene"
STIMULUS = "natural_scenes"
WINDOW_S = 0.25
"""An image is on for 250.2 ms (median of the release, `conventions.PUBLISHED_MEDIAN_S`) and the next one follows
without a pause, so that what comes later answers the next image."""
BIN_S = 0.05
"""Five bins: of 700 units that is 3,500 features, and the responses begin after some 50 ms."""
GREY = -1
"""Frame of a blank: grey instead of an image."""


def scene_identity(session: SessionView, units: UnitChoice = None) -> TaskData:
    """Return which image was shown in each presentation of a natural scene.

    A row is a valid presentation of an image; windows are ``[onset, onset + 0.25 s)`` in five bins. Blanks (frame -1)
    are no class and are left out, as are windows that reach beyond the next onset or that the recording of any chosen
    unit does not cover. Classes are the frame numbers, 0 to 117, whether shown or not, so that they mean the same image
    in every session. The split is by repeats (`split_repeats`): every image that was shown twice trains and tests.

    Parameters
    ----------
    session
        A session of Visual Coding.
    units
        Which units, as of `SessionView.psth`; all where None.

    Raises
    ------
    TargetMissing
        If the session shows no natural scenes, no image twice, or nothing of them was recorded well.
    """
    presentations = presentations_of(session, NAME)
    shown = presentations[presentations["stimulus_name"] == STIMULUS]
    if shown.empty or "frame" not in shown:
        raise TargetMissing(
            session_name(session),
            f"it shows no {STIMULUS}; it shows {stimuli_of(presentations)}",
            "Take sessions of allen_vc of the type brain_observatory_1.1; functional_connectivity has no scenes.",
        )
    frame = pd.to_numeric(shown["frame"], errors="coerce").to_numpy(dtype=np.float64)
    image = (frame >= 0) & (frame < N_SCENES) & (frame == np.floor(frame))
    fit = image & shown["valid"].to_numpy(dtype=bool)
    left_out = {
        "show grey": int((frame == GREY).sum()),
        "show no image of the set": int((~image & (frame != GREY)).sum()),
        "are not valid": int((image & ~fit).sum()),
    }
    shown, frame = shown[fit], frame[fit]
    starts = shown["start_time"].to_numpy(dtype=np.float64)
    alone = before_next_onset(starts, presentations, WINDOW_S)
    well = recorded_well(session, starts, WINDOW_S, units)
    left_out |= {NEXT_BEGINS: int((~alone).sum()), INVALID: int((alone & ~well).sum())}
    shown, starts, classes = shown[alone & well], starts[alone & well], frame[alone & well].astype(np.int64)
    ids = shown["presentation_id"].to_numpy(dtype=np.int64)
    split = split_repeats(classes, [f"{session.source}:{session.session_id}:{number}" for number in ids])
    if not (split != "").any():
        raise TargetMissing(
            session_name(session),
            f"no image was shown twice: {len(np.unique(classes))} images in {len(classes)} usable presentations",
            "Take a session whose scenes are repeated; upstream's are shown 50 times.",
        )
    return TaskData(
        task=NAME,
        source=session.source,
        session_id=session.session_id,
        row_ids=ids,
        starts=starts,
        window_s=WINDOW_S,
        bin_s=BIN_S,
        inputs=counts_by_row(session, starts, WINDOW_S, BIN_S, units),
        outputs=lambda rows: classes[rows],
        input_ids=ids_of(session, units),
        timestamps=np.zeros(0),
        mask=np.ones(len(ids), dtype=bool),
        split=split,
        label_names=tuple(map(str, range(N_SCENES))),
        left_out={why: n for why, n in left_out.items() if n},
    )
