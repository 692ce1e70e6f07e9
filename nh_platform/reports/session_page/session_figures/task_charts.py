"""Charts of the task: psychometric curve, reaction times, performance over the session.

Add a chart of behaviour in trials here. Two tasks are known: IBL's decision task (`TRIALS`) and change detection
(`CHANGE_TRIALS`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reports.page.chart import Axis, Chart, Colour, Layer
from nh_platform.reports.session_page.session_figures.psychometric import choice_shares, fit_curve, wilson_interval
from nh_platform.session.tables.change_detection import CHANGE_TRIALS
from nh_platform.session.tables.events import LAB_TRIALS, TRIALS

Floats = npt.NDArray[np.float64]

BLOCKS: tuple[tuple[float, str, Colour], ...] = (
    (0.5, "left and right alike", "muted"),
    (0.2, "20 % left", "second"),
    (0.8, "80 % left", "main"),
)
"""Blocks of IBL's task by the probability of a stimulus on the left."""
RT_BIN_S, LONGEST_RT_S = 0.02, 2.0
TRIALS_PER_POINT = 30


def task_charts(tables: Mapping[str, pd.DataFrame]) -> list[Chart]:
    """Return the charts of a session's trials."""
    return [psychometric(tables), reaction_times(tables), performance(tables)]


def _no_trials(tables: Mapping[str, pd.DataFrame], name: str, task: str) -> str:
    """Return why there are no trials of a task; empty where there are."""
    if name in tables and len(tables[name]):
        return ""
    others = [one for one in (TRIALS.name, CHANGE_TRIALS.name, LAB_TRIALS.name) if one in tables and len(tables[one])]
    if others:
        return f"The session's trials are not those of {task}."
    return "The session has no trials."


def psychometric(tables: Mapping[str, pd.DataFrame]) -> Chart:
    """Return the share of choices to the right by signed contrast, for each block, with 95 % intervals and fits."""
    lacking = _no_trials(tables, TRIALS.name, "a task with contrasts")
    layers: list[Layer] = []
    if not lacking:
        trials = tables[TRIALS.name]
        for probability, name, colour in BLOCKS:
            block = trials[np.isclose(trials["probabilityLeft"].to_numpy(dtype=np.float64), probability)]
            layers += _block_layers(block, name, colour)
        if not layers:
            layers = _block_layers(trials, "all trials", "main")
        lacking = "" if layers else "No trial has both a contrast and a choice."
    return Chart(
        "psychometric",
        "Psychometric curve",
        Axis("contrast, negative on the left", "%", -105, 105),
        Axis("choices to the right", "%", 0, 100),
        tuple(layers),
        caption=(
            "Share of choices to the right with its 95 % interval (Wilson), by block. Curves are error functions "
            "with two lapse rates, fitted by greatest likelihood where a block has 5 contrasts and 50 trials."
        ),
        lacking=lacking,
    )


def _block_layers(trials: pd.DataFrame, name: str, colour: Colour) -> list[Layer]:
    shares = choice_shares(trials)
    if not len(shares.contrasts):
        return []
    low, high = wilson_interval(shares.right, shares.trials)
    gap = np.full(len(low), np.nan)
    bars = np.column_stack([low, high, gap]).ravel() * 100
    places = np.repeat(shares.contrasts, 3)
    named = f"{name} ({int(shares.trials.sum())} trials)"
    layers = [
        Layer("line", places, bars, colour=colour, exact=True),
        Layer("points", shares.contrasts, shares.shares * 100, name=named, colour=colour, exact=True),
    ]
    curve = fit_curve(shares)
    if curve is not None:
        x = np.linspace(-100, 100, 101)
        layers.append(Layer("line", x, curve.at(x) * 100, colour=colour))
    return layers


def reaction_times(tables: Mapping[str, pd.DataFrame]) -> Chart:
    """Return how long the animal took, as a histogram with the median."""
    lacking, times, what = _reaction_times(tables)
    known = times[np.isfinite(times)]
    layers: tuple[Layer, ...] = ()
    beyond = 0
    if not lacking and not len(known):
        lacking = "No trial has both times."
    if not lacking:
        edges = np.arange(0, LONGEST_RT_S + RT_BIN_S / 2, RT_BIN_S)
        inside = known[(known >= 0) & (known < LONGEST_RT_S)]
        beyond = len(known) - len(inside)
        median = float(np.median(known))
        layers = (
            Layer("bars", edges, np.histogram(inside, edges)[0], name="trials", exact=True),
            Layer("mark", [median], name=f"median {median:.3f} s", colour="second"),
        )
    return Chart(
        "reaction-times",
        "Reaction times",
        Axis(what or "reaction time", "s", 0, LONGEST_RT_S),
        Axis("trials", "1", low=0),
        layers,
        caption=f"Bins of {RT_BIN_S * 1e3:g} ms; {beyond} trials lie before 0 or beyond {LONGEST_RT_S:g} s.",
        lacking=lacking,
    )


def _reaction_times(tables: Mapping[str, pd.DataFrame]) -> tuple[str, Floats, str]:
    """Return why there are none, the times (s), and from what to what they are."""
    if TRIALS.name in tables and len(tables[TRIALS.name]):
        trials = tables[TRIALS.name]
        return "", trials["reaction_time"].to_numpy(dtype=np.float64), "from go cue to first movement"
    lacking = _no_trials(tables, CHANGE_TRIALS.name, "a task with a cue or a change")
    if lacking:
        return lacking, np.zeros(0), ""
    trials = tables[CHANGE_TRIALS.name]
    hits = trials[trials["hit"].astype(bool)]
    times = hits["response_time"].to_numpy(dtype=np.float64)
    change = hits["change_time_no_display_delay"].to_numpy(dtype=np.float64)
    return "", times - change, "from image change to first lick, hits"


def performance(tables: Mapping[str, pd.DataFrame]) -> Chart:
    """Return how well the animal did over the session, in groups of 30 trials."""
    layers: list[Layer] = []
    if TRIALS.name in tables and len(tables[TRIALS.name]):
        trials = tables[TRIALS.name].sort_values("start_time", kind="stable")
        correct = trials["feedbackType"].to_numpy(dtype=np.float64)
        outcome = np.where(np.isfinite(correct), correct == 1, np.nan)
        layers = _rates_over_time(trials, {"rewarded": (outcome, "main")})
    elif CHANGE_TRIALS.name in tables and len(tables[CHANGE_TRIALS.name]):
        trials = tables[CHANGE_TRIALS.name].sort_values("start_time", kind="stable")
        rates: dict[str, tuple[Floats, Colour]] = {
            "hits of changes": (_rate_of(trials, "go", "hit"), "main"),
            "false alarms of shams": (_rate_of(trials, "catch", "false_alarm"), "second"),
        }
        layers = _rates_over_time(trials, rates)
    lacking = "" if layers else _no_trials(tables, TRIALS.name, "a task that is known")
    if not layers and not lacking:
        lacking = "No trial has an outcome."
    return Chart(
        "performance",
        "Performance over the session",
        Axis("time", "s", session_clock=True),
        Axis("trials", "%", 0, 100),
        tuple(layers),
        caption=f"Shares of {TRIALS_PER_POINT} successive trials each, at the middle of their starts.",
        lacking=lacking,
    )


def _rate_of(trials: pd.DataFrame, among: str, event: str) -> Floats:
    """Return (n_trials,) 1 or 0 for trials ``among`` which something can happen, NaN for the others."""
    return np.where(trials[among].astype(bool), trials[event].astype(bool).astype(np.float64), np.nan)


def _rates_over_time(trials: pd.DataFrame, rates: Mapping[str, tuple[Floats, Colour]]) -> list[Layer]:
    starts = trials["start_time"].to_numpy(dtype=np.float64)
    cuts = np.arange(0, len(starts), TRIALS_PER_POINT)
    layers = []
    for name, (outcome, colour) in rates.items():
        times, shares = [], []
        for first in cuts:
            part = outcome[first : first + TRIALS_PER_POINT]
            known = np.isfinite(part)
            if known.any():
                here = starts[first : first + TRIALS_PER_POINT]
                times.append(float(np.mean(here)))
                shares.append(100 * float(part[known].mean()))
        if times:
            layers.append(Layer("line", times, shares, name=name, colour=colour, exact=True))
            layers.append(Layer("points", times, shares, colour=colour, exact=True))
    return layers
