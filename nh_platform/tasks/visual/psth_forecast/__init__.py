"""The task ``psth-forecast``: the mean response to a repeated stimulus, from the repeats that train alone.

Contains which presentations repeat what, the targets, how reliable they are, and how a prediction is scored against
repeats that nothing was fitted on. Add here what else is asked of repeated stimuli. Decoding of what was shown is
`nh_platform.tasks.visual.scene_identity`; PSTHs around any event are `SessionView.psth`.
"""

from nh_platform.tasks.visual.psth_forecast.baselines import BASELINES
from nh_platform.tasks.visual.psth_forecast.forecast_target import ForecastTarget, forecast_targets
from nh_platform.tasks.visual.psth_forecast.results import forecast_summary, forecast_table, score_forecast

__all__ = [
    "BASELINES",
    "ForecastTarget",
    "forecast_summary",
    "forecast_table",
    "forecast_targets",
    "score_forecast",
]
