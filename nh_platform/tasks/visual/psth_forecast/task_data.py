"""The task ``psth-forecast`` in the form of all tasks: what was shown in, spike counts of every repeat out.

Contains the targets of one stimulus of a session as `TaskData`, for models that are fitted by rows. Add here what such
a model may read. Scores against a noise ceiling, which are the task's results, are `results`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nh_platform.tasks.task import TargetMissing, TaskData
from nh_platform.tasks.visual.presented_windows import INVALID, session_name
from nh_platform.tasks.visual.psth_forecast.conditions import ConditionColumns
from nh_platform.tasks.visual.psth_forecast.forecast_target import forecast_targets
from nh_platform.tasks.visual.psth_forecast.repeats import NAME, repeated_stimuli

if TYPE_CHECKING:
    from nh_platform.reading import SessionView
    from nh_platform.reading.unit_psth import UnitChoice


def forecast_data(
    session: SessionView, stimulus: str = "", conditions: ConditionColumns = (), units: UnitChoice = None
) -> TaskData:
    """Return the repeats of a stimulus: what was shown in each, and the counts of all units.

    A row is a presentation. Inputs are (m, n_conditions) float64, 1 for the condition of the row and 0 for all others,
    named by ``input_ids``; outputs (m, n_bins, n_units) spikes per bin of 25 ms. A linear model of these is a PSTH.

    Parameters
    ----------
    session
        A session of any source.
    stimulus
        Name in ``presentations``; where empty, the one with most repeated time.
    conditions, units
        As of `forecast_targets`.

    Raises
    ------
    TargetMissing
        If nothing is repeated, or no repeat was recorded well on all probes of the units.
    """
    chosen = [stimulus] if stimulus else []
    if not chosen:
        repeated = repeated_stimuli(session, conditions=conditions)
        chosen = [max(repeated, key=lambda one: len(one.times) * one.window_s).stimulus]
    target = forecast_targets(session, chosen, conditions, units)[0]
    repeats = target.repeats
    well = target.valid.all(axis=1)
    if not well.any():
        raise TargetMissing(
            session_name(session), f"no repeat of {repeats.stimulus} is valid on all probes", "Choose units of one."
        )
    counts = target.counts[well]
    shown = np.eye(len(repeats.conditions))[repeats.condition[well]]
    left_out = {**repeats.left_out, INVALID: int((~well).sum())}
    return TaskData(
        task=NAME,
        source=session.source,
        session_id=session.session_id,
        row_ids=repeats.presentation_ids[well],
        starts=repeats.times[well],
        window_s=repeats.window_s,
        bin_s=repeats.bin_s,
        inputs=lambda rows: shown[rows],
        outputs=lambda rows: counts[rows],
        input_ids=np.array(repeats.conditions, dtype=object),
        timestamps=target.bin_centers,
        mask=np.ones((len(counts), counts.shape[1]), dtype=bool),
        split=repeats.split[well],
        target_ids=target.unit_ids,
        left_out={why: n for why, n in left_out.items() if n},
    )
