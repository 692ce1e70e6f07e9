"""The results of ``psth-forecast``: a row per unit, stimulus and model, and their summary.

Contains the table of a session. Add a column here. What the columns mean is defined where they are computed:
`reliability`, `signal_power` and `scores`; docs/psth-forecast.md tells it in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.tasks.visual.psth_forecast import scores
from nh_platform.tasks.visual.psth_forecast.baselines import BASELINES
from nh_platform.tasks.visual.psth_forecast.conditions import ConditionColumns
from nh_platform.tasks.visual.psth_forecast.forecast_target import ForecastTarget, UnitRepeats, forecast_targets
from nh_platform.tasks.visual.psth_forecast.reliability import split_half_reliability
from nh_platform.tasks.visual.psth_forecast.repeats import BIN_S
from nh_platform.tasks.visual.psth_forecast.signal_power import response_power
from nh_platform.tasks.visual.repeat_splits import TEST

if TYPE_CHECKING:
    from nh_platform.reading import SessionView
    from nh_platform.reading.unit_psth import UnitChoice

FloatArray = npt.NDArray[np.float64]

SEED = 43
"""First of the seeds that BrainWideBench reports."""
N_PERMUTATIONS = 1000
BLOCK_S = 1.0
"""Stretches of a movie that are drawn anew: longer than a response lasts."""

KEYS = ("unit_id", "region", "stimulus", "model")
COUNTS = ("n_conditions", "n_repeats", "n_test")
SCORES = ("reliability", "ceiling", "r2", "correlation", "correlation_normalised", "p", "low", "high")
COLUMNS = (*KEYS, *COUNTS, *SCORES, "interval_over")


def forecast_table(
    session: SessionView,
    stimuli: Sequence[str] = (),
    conditions: ConditionColumns = (),
    units: UnitChoice = None,
    models: Sequence[str] = tuple(BASELINES),
    *,
    bin_s: float = BIN_S,
    window_s: float | None = None,
    movie_step_s: float | None = None,
    seed: int = SEED,
    n_permutations: int = N_PERMUTATIONS,
) -> pd.DataFrame:
    """Score the baselines on every repeated stimulus of a session, unit by unit.

    Parameters
    ----------
    session, stimuli, conditions, units, bin_s, window_s, movie_step_s
        As of `forecast_targets`.
    models
        Names of `BASELINES`.
    seed
        Of the random halves, permutations and draws, which are the same for all units.
    n_permutations
        Times that conditions are shuffled, and held-out repeats drawn anew.

    Returns
    -------
    pandas.DataFrame
        A row per stimulus, model and unit, in that order: ``unit_id``, ``region``, ``stimulus``, ``model``;
        ``n_conditions``, the fewest repeats of one and the fewest of them that test; ``reliability`` (split-half, of
        all repeats), ``ceiling`` (largest R2 to be expected, 0 to 1), ``r2``, ``correlation``,
        ``correlation_normalised``, ``p``, ``low`` and ``high`` (95 % interval of the correlation) and what was drawn
        for it, ``repeats``, ``conditions`` or ``seconds``. NaN where a score is not defined: all of a silent unit's.

    Raises
    ------
    TargetMissing
        If the session repeats nothing; the text names what it shows.
    ConfigError
        If a model, stimulus or column is not there, or a width cannot be.
    """
    for name in models:
        if name not in BASELINES:
            raise ConfigError(
                f"model {name!r}",
                f"the baselines are {', '.join(BASELINES)}",
                f"Use one of them, or `score_forecast` for your own.{close_matches(name, BASELINES)}",
            )
    targets = forecast_targets(
        session, stimuli, conditions, units, bin_s=bin_s, window_s=window_s, movie_step_s=movie_step_s
    )
    chosen = {name: BASELINES[name] for name in models}
    tables = [_scored(target, chosen, seed, n_permutations) for target in targets]
    return pd.concat(tables, ignore_index=True)


def score_forecast(
    target: ForecastTarget,
    prediction: npt.ArrayLike,
    model: str = "prediction",
    *,
    seed: int = SEED,
    n_permutations: int = N_PERMUTATIONS,
) -> pd.DataFrame:
    """Score a prediction of your own against the repeats that test.

    Parameters
    ----------
    target
        One of `forecast_targets`.
    prediction
        (n_conditions, n_bins, n_units) rates in Hz in the order of ``target.repeats.conditions`` and
        ``target.unit_ids``; a unit with NaN gets none of the scores.
    model
        Its name in the table.
    seed, n_permutations
        As of `forecast_table`.

    Returns
    -------
    pandas.DataFrame
        Columns as of `forecast_table`.

    Raises
    ------
    ConfigError
        If the prediction has another shape.
    """
    rates = np.asarray(prediction, dtype=np.float64)
    if rates.shape != target.shape:
        raise ConfigError(
            f"prediction of {target.repeats.stimulus}",
            f"its shape is {rates.shape}, that of the target {target.shape}: conditions, bins, units",
            "Predict a rate in Hz for each.",
        )

    def of_group(group: UnitRepeats) -> FloatArray:
        return rates[np.ix_(group.conditions, np.arange(target.shape[1]), group.units)] * target.repeats.bin_s

    return _scored(target, {model: of_group}, seed, n_permutations)


def forecast_summary(table: pd.DataFrame, seed: int = SEED, n_draws: int = 1000) -> pd.DataFrame:
    """Return what `forecast_table` says of each stimulus and model over its units.

    Parameters
    ----------
    table
        Of one session or of several, joined.
    seed, n_draws
        Of the draws of units for the interval.

    Returns
    -------
    pandas.DataFrame
        A row per stimulus and model: ``n_units`` that have a score; means over those of ``reliability``, ``ceiling``,
        ``r2`` and ``correlation``, the latter with the 95 % bootstrap interval over units, ``low`` and ``high``; the
        median ``correlation_normalised`` of units with a reliability above 0.5, ``n_reliable`` of them; and the share
        of units whose p is below 0.05. A prediction that does not vary, as the mean rate, has no correlation and
        counts as 0 here: else a model that gives up on most units would be judged by the others.
    """
    rows: list[dict[str, Any]] = []
    for (stimulus, model), part in table.groupby(["stimulus", "model"], sort=False):
        known = part[part["r2"].notna()]
        known = known.fillna({"correlation": 0.0, "p": 1.0})
        reliable = known[known["reliability"] > RELIABLE]
        low, high = _interval_over_units(known["correlation"].to_numpy(dtype=np.float64), seed, n_draws)
        normalised = reliable["correlation_normalised"].dropna()
        rows.append(
            {
                "stimulus": stimulus,
                "model": model,
                "n_units": len(known),
                **{name: known[name].mean() for name in ("reliability", "ceiling", "r2", "correlation")},
                "low": low,
                "high": high,
                "n_reliable": len(reliable),
                "correlation_normalised": normalised.median() if len(normalised) else np.nan,
                "share_p05": (known["p"] < 0.05).mean() if len(known) else np.nan,
            }
        )
    return pd.DataFrame(rows)


RELIABLE = 0.5
"""Reliability from which a normalised correlation means something: below, it is divided by a number close to 0."""


def _scored(
    target: ForecastTarget,
    predictions: Mapping[str, Callable[[UnitRepeats], FloatArray]],
    seed: int,
    n_permutations: int,
) -> pd.DataFrame:
    n_units = target.shape[2]
    counts = {name: np.zeros(n_units, dtype=np.int64) for name in COUNTS}
    found = {model: {name: np.full(n_units, np.nan) for name in SCORES} for model in predictions}
    over = np.full(n_units, "", dtype=object)
    for group in target.groups():
        n_repeats = np.bincount(group.condition, minlength=len(group.conditions))
        n_test = group.repeats_of(TEST)
        for name, number in zip(COUNTS, (len(group.conditions), n_repeats.min(), n_test.min())):
            counts[name][group.units] = number
        ceiling = response_power(group.counts, group.condition).ceiling(len(n_test) / float((1 / n_test).sum()))
        reliability = split_half_reliability(group.counts, group.condition, seed)
        over[group.units] = drawn = _drawn(group)
        held_out = group.mean_counts(TEST)
        for model, predict in predictions.items():
            prediction = predict(group)
            correlation = scores.correlations(prediction, held_out)
            reached = np.divide(correlation, np.sqrt(ceiling), out=np.full_like(correlation, np.nan), where=ceiling > 0)
            low, high = _interval(group, prediction, held_out, drawn, target.repeats.bin_s, seed, n_permutations)
            p = scores.permutation_p(prediction, held_out, seed, n_permutations)
            r2 = scores.r_squared(prediction, held_out)
            values = (reliability, ceiling, r2, correlation, reached, p, low, high)
            for name, value in zip(SCORES, values):
                found[model][name][group.units] = value
    tables = [
        pd.DataFrame(
            {
                "unit_id": target.unit_ids,
                "region": target.regions,
                "stimulus": target.repeats.stimulus,
                "model": model,
                **counts,
                **values,
                "interval_over": np.where(np.isfinite(values["low"]), over, ""),
            }
        )
        for model, values in found.items()
    ]
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def _drawn(group: UnitRepeats) -> str:
    """Return what is drawn anew for the interval."""
    if group.repeats_of(TEST).min() >= scores.FEWEST_REPEATS:
        return "repeats"
    return "conditions" if len(group.conditions) >= scores.FEWEST_BLOCKS else "seconds"


def _interval(
    group: UnitRepeats,
    prediction: FloatArray,
    held_out: FloatArray,
    drawn: str,
    bin_s: float,
    seed: int,
    n_draws: int,
) -> FloatArray:
    if drawn != "repeats":
        block = round(BLOCK_S / bin_s) if drawn == "seconds" else 0
        return scores.interval_over_points(prediction, held_out, block, seed, n_draws)
    rows = group.split == TEST
    return scores.interval_over_repeats(prediction, group.counts[rows], group.condition[rows], held_out, seed, n_draws)


def _interval_over_units(values: FloatArray, seed: int, n_draws: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean over units; NaN of fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).choice(values, size=(n_draws, len(values))).mean(axis=1)
    tail = (1 - scores.CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
