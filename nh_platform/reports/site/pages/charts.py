"""Charts of the site as records: pass rates as dots with the spread of sessions, time, and values of a rule.

Contains the figures that several pages of the site draw. Add a figure here as a function that returns a chart. Numbers
are counted in `pass_rates.py` and `rule_distributions.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from nh_platform.qc.rules.quantities import shown_unit
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.site.counts.pass_rates import UNKNOWN
from nh_platform.reports.site.counts.rule_distributions import RuleDistribution

MOST_ROWS = 40
"""Groups that a figure has room for; the table beside it has all."""

MOST_LETTERS = 20
"""Letters of a group's name that its figure has room for; ids of insertions were cut off at their beginning."""

_BEGINNING = 12
_PERCENT = 100.0


def rates_chart(rates: pd.DataFrame, by: str, title: str) -> Chart:
    """Return the share of good units of each group, as dots beside the quartiles of its sessions.

    Parameters
    ----------
    rates
        As of `nh_platform.reports.site.counts.pass_rates.pass_rates`.
    by
        What the release is divided by, for the id of the chart.
    title
        Title for people.
    """
    shown = _largest(rates)
    rows = np.arange(len(shown))[::-1]
    ticks = _group_ticks(rows, shown)
    x_axis = Axis("good units", "%", low=0, high=_up_to(shown[["share", "high"]].to_numpy()))
    y_axis = Axis("", low=-0.7, high=len(shown) - 0.3, ticks=ticks)
    if not len(shown):
        return Chart(f"good-by-{by}", title, x_axis, y_axis, lacking="No unit of the release is here.")
    share, low, middle, high = (shown[name].to_numpy() * _PERCENT for name in ("share", "low", "middle", "high"))
    spread_x = np.column_stack([low, high, np.full(len(shown), np.nan)]).ravel()
    spread_y = np.column_stack([rows, rows, np.full(len(shown), np.nan)]).ravel()
    rest = f" Of {len(rates)} groups the {len(shown)} with most units are drawn." if len(shown) < len(rates) else ""
    return Chart(
        f"good-by-{by}",
        title,
        x_axis,
        y_axis,
        (
            Layer("line", spread_x, spread_y, name="middle half of the sessions", colour="muted", exact=True),
            Layer("points", middle, rows, name="median session", colour="second", exact=True),
            Layer("points", share, rows, name="all units", colour="main", exact=True),
        ),
        caption="Units in brackets. Sessions with few units spread more." + rest,
    )


def time_chart(per_session: pd.DataFrame) -> Chart:
    """Return the share of good units of every session by its day, and the median of each month.

    Parameters
    ----------
    per_session
        ``date`` (``YYYY-MM-DD``, or anything else where it is not known), ``share`` (0 to 1) of each session.
    """
    x_axis = Axis("day of the recording", "year-month")
    y_axis = Axis("good units", "%", low=0, high=100)
    days = pd.to_datetime(per_session["date"], format="%Y-%m-%d", errors="coerce")
    known = per_session[days.notna()].assign(day=days.dropna())
    title = "Good units over time"
    if not len(known):
        return Chart("good-by-time", title, x_axis, y_axis, lacking="No day of a recording is stated.")
    ordinals = np.array([day.toordinal() for day in known["day"]], dtype=np.float64)
    shares = known["share"].to_numpy() * _PERCENT
    y_axis = Axis("good units", "%", low=0, high=_up_to(known["share"].to_numpy()))
    months = known.assign(ordinal=ordinals, percent=shares).groupby(known["day"].dt.strftime("%Y-%m"), sort=True)
    middle = months[["ordinal", "percent"]].median()
    ticks = _month_ticks(ordinals.min(), ordinals.max())
    x_axis = Axis(x_axis.label, x_axis.unit, low=ordinals.min() - 5, high=ordinals.max() + 5, ticks=ticks)
    lacking = len(per_session) - len(known)
    return Chart(
        "good-by-time",
        title,
        x_axis,
        y_axis,
        (
            Layer("points", ordinals, shares, name="session", colour="main", exact=True),
            Layer(
                "line",
                middle["ordinal"],
                middle["percent"],
                name="median of a month",
                colour="second",
                exact=True,
                connected=True,
            ),
        ),
        caption="Each dot is a session." + (f" {lacking} without a day are left out." if lacking else ""),
        wide=True,
    )


def rule_shares_chart(found: Sequence[RuleDistribution], rulebook: Rulebook) -> Chart:
    """Return the share of units that pass each rule in force."""
    known = [one for one in found if one.share is not None]
    rows = np.arange(len(known))[::-1]
    ticks = [(float(row), one.criterion) for row, one in zip(rows, known)]
    x_axis, y_axis = (
        Axis("units that pass", "%", low=0, high=100),
        Axis("", low=-0.7, high=len(known) - 0.3, ticks=ticks),
    )
    if not known:
        return Chart("rules", "Rules in force", x_axis, y_axis, lacking="No unit of the release could be judged.")
    shares = np.array([one.share for one in known], dtype=np.float64) * _PERCENT
    alone = np.array([_PERCENT * one.alone / one.units for one in known])
    return Chart(
        "rules",
        f"Rules in force: {rulebook.id}",
        x_axis,
        y_axis,
        (
            Layer("bars", rows, shares, name="pass", colour="good", along="y", exact=True),
            Layer("points", alone, rows, name="fail this rule alone", colour="bad", exact=True),
        ),
        caption="Bars: units that pass the rule, of those counted. Dots: units that it alone throws out, of all units.",
    )


def distribution_chart(found: RuleDistribution) -> Chart:
    """Return the histogram of a rule's values over the release with the threshold's number."""
    name = found.criterion.split(" ")[0]
    unit = shown_unit(found.unit)
    x_axis, y_axis = Axis(name, unit), Axis("units", "1", low=0)
    title = f"{name} over the release"
    if not found.counts:
        why = (
            "The release states whether a unit passes, and not the value." if found.passing else "No unit has a value."
        )
        why = why if found.threshold is not None else "The rule compares no number."
        return Chart(f"values-{found.rule}", title, x_axis, y_axis, lacking=why)
    edges = np.array(found.edges)
    layers = [Layer("bars", edges, np.array(found.counts), colour="main", exact=True)]
    if found.threshold is not None:
        text = f"{found.comparison} {found.threshold:g} {unit} passes".replace("  ", " ")
        layers.append(Layer("mark", [found.threshold], colour="bad", text=text))
    outside = found.below + found.above
    rest = f" {outside:,} values outside the axis ({found.below:,} below, {found.above:,} above)." if outside else ""
    lacking = f" {found.without_value:,} units have no value." if found.without_value else ""
    return Chart(
        f"values-{found.rule}",
        title,
        Axis(name, unit, low=float(edges[0]), high=float(edges[-1])),
        y_axis,
        tuple(layers),
        caption=f"{sum(found.counts) + outside:,} units.{lacking}{rest}",
        wide=True,
    )


def rule_groups_chart(rates: pd.DataFrame, by: str, title: str) -> Chart:
    """Return the share of units of each group that pass a rule, months in order, else highest first.

    Parameters
    ----------
    rates
        As of `nh_platform.reports.site.counts.pass_rates.rule_rates`, of one rule.
    by, title
        As of `rates_chart`.
    """
    known = rates[rates["share"].notna()]
    shown = known.sort_values(["units", "group"], ascending=[False, True], kind="stable").head(MOST_ROWS)
    order = (["group"], [True]) if by == "month" else (["share", "group"], [False, True])
    shown = shown.sort_values(order[0], ascending=order[1], kind="stable")
    rows = np.arange(len(shown))[::-1]
    ticks = _group_ticks(rows, shown)
    x_axis = Axis("units that pass", "%", low=0, high=_up_to(shown["share"].to_numpy()))
    y_axis = Axis("", low=-0.7, high=len(shown) - 0.3, ticks=ticks)
    if not len(shown):
        return Chart(f"pass-by-{by}", title, x_axis, y_axis, lacking="No unit could be judged by the rule.")
    rest = f" Of {len(known)} the {len(shown)} with most units are drawn." if len(shown) < len(known) else ""
    return Chart(
        f"pass-by-{by}",
        title,
        x_axis,
        y_axis,
        (Layer("points", shown["share"].to_numpy() * _PERCENT, rows, name="units that pass", exact=True),),
        caption=f"{'Earliest' if by == 'month' else 'Highest'} first; units in brackets.{rest}",
    )


def _group_ticks(rows: np.ndarray, shown: pd.DataFrame) -> list[tuple[float, str]]:
    """Return the name of each group with its units; of a long one, as the id of an insertion, its beginning."""
    names = [name if len(name) <= MOST_LETTERS else f"{name[:_BEGINNING]}…" for name in shown["group"].astype(str)]
    return [(float(row), f"{name} ({units:,})") for row, name, units in zip(rows, names, shown["units"].tolist())]


def _up_to(shares: np.ndarray) -> float:
    """Return the end of an axis of percentages: the next ten above every share, so that low ones can be told apart."""
    highest = np.nanmax(np.asarray(shares, dtype=np.float64), initial=0.0) * _PERCENT
    return float(min(100.0, 10.0 * (np.floor(highest / 10.0) + 1.0)))


def _largest(rates: pd.DataFrame) -> pd.DataFrame:
    """Return the groups with most units, those with the highest share first."""
    known = rates.sort_values(["units", "group"], ascending=[False, True], kind="stable").head(MOST_ROWS)
    order = known.assign(last=known["group"] == UNKNOWN)
    return order.sort_values(["last", "share", "group"], ascending=[True, False, True], kind="stable")


def _month_ticks(first: float, last: float) -> list[tuple[float, str]]:
    """Return the beginnings of months between two days, as many as can stand beside each other."""
    start, stop = dt.date.fromordinal(int(first)), dt.date.fromordinal(int(last))
    months = [
        dt.date(year, month, 1)
        for year in range(start.year, stop.year + 1)
        for month in range(1, 13)
        if start <= dt.date(year, month, 1) <= stop
    ]
    step = max(1, -(-len(months) // 8))
    chosen = months[::step] or [start]
    return [(float(day.toordinal()), f"{day:%Y-%m}") for day in chosen]
