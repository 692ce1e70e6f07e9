"""Charts of what regions do around events: their mean activity by time, and their rates in stretches around events.

Add an event here by its role; its names are those that sources state. Averages of single units are
`nh_platform.windows.psth`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.reading.events.session_events import SessionEvents
from nh_platform.reading.unit_psth import session_psth
from nh_platform.reports.page.chart import Axis, Chart, Colour, Layer
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.windows.unrecorded_time import with_unrecorded
from nh_platform.windows.valid_time import invalid_times

START_S, STOP_S, BIN_S = -0.5, 1.0, 0.02
MOST_EVENTS = 1000
"""Of one kind that are averaged, evenly chosen in time: more make no other picture."""
MOST_REGIONS = 30
UNLOCATED = "no region"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EventRole:
    """An event by its role in a session.

    Parameters
    ----------
    id, title
        Of the chart.
    names
        Names under which sources have it, the first that the session has is taken.
    baseline_s
        Stretch against whose mean a region's activity is shown: before a stimulus, images of a series follow each other
        so closely that an earlier stretch has the response to the one before.
    after_s
        Stretch in which the rate of a region is read.
    colour
        Of that rate.
    """

    id: str
    title: str
    names: tuple[str, ...]
    baseline_s: tuple[float, float]
    after_s: tuple[float, float]
    colour: Colour


ROLES = (
    EventRole("stimulus", "stimulus", ("stimulus onset",), (-0.2, 0.0), (0.0, 0.2), "main"),
    EventRole("movement", "movement", ("first movement", "response", "lick"), (-0.5, -0.3), (-0.1, 0.1), "second"),
    EventRole("feedback", "feedback", ("feedback", "reward"), (-0.5, -0.3), (0.0, 0.3), "third"),
)


@dataclass(frozen=True)
class RegionActivity:
    """Mean rate of regions around one event.

    Parameters
    ----------
    event, n_events
        What it is around, and how many of them were averaged.
    rates_hz
        (n_regions, n_bins) mean over the region's units.
    centres_s
        (n_bins,) seconds from the event.
    """

    event: str
    n_events: int
    rates_hz: Floats
    centres_s: Floats


def event_charts(material: PageMaterial, events: SessionEvents) -> list[Chart]:
    """Return a chart for each role, and one of the rates of all of them."""
    groups, words = region_groups(material)
    names = list(groups)
    found: dict[str, RegionActivity | str] = {}
    for role in ROLES:
        found[role.id] = around(material, events, role, groups)
    charts = [_psth_chart(role, found[role.id], names, words) for role in ROLES]
    return [*charts, _rates_chart(found, names, words)]


def region_groups(material: PageMaterial) -> tuple[dict[str, npt.NDArray[np.intp]], str]:
    """Return rows of the units of each region, those with most units first, and in words which units they are.

    Good units by the active rulebook; all units where none is good.
    """
    units, book = material.units, material.rulebooks[0].id
    good = units[f"pass.{book}"].to_numpy(dtype=bool)
    words = f"good units by {book}" if good.any() else f"all units, since none is good by {book}"
    chosen = np.flatnonzero(good if good.any() else np.ones(len(units), dtype=bool))
    regions = units["beryl"].where(units["beryl"].notna(), units["acronym"]).fillna(UNLOCATED).astype(str).to_numpy()
    groups = {name: chosen[regions[chosen] == name] for name in sorted(set(regions[chosen].tolist()))}
    largest = sorted(groups, key=lambda name: (-len(groups[name]), name))[:MOST_REGIONS]
    return {name: groups[name] for name in largest}, words


def around(
    material: PageMaterial, events: SessionEvents, role: EventRole, groups: dict[str, npt.NDArray[np.intp]]
) -> RegionActivity | str:
    """Return the mean rate of each region around the events of a role, or why there is none."""
    name = next((one for one in role.names if one in events.names), None)
    if name is None:
        return f"The session has no event of this kind ({', '.join(role.names)})."
    if not groups:
        return "The session has no units."
    rows = events(name)
    order = np.argsort(rows.times, kind="stable")
    order = order[rows.valid[order]]
    if len(order) > MOST_EVENTS:
        order = order[np.linspace(0, len(order) - 1, MOST_EVENTS).round().astype(np.int64)]
    if not len(order):
        return f"The session has no {name} that is valid."
    spikes, units = material.recording.spikes, material.recording.units
    probes = units["probe"].astype(str).tolist()
    every = np.concatenate(list(groups.values()))
    invalid = with_unrecorded(invalid_times(material.events, probes), spikes.recorded_time)
    result = session_psth(
        spikes,
        every.astype(np.int64),
        units,
        rows.times[order],
        invalid,
        material.unit_intervals,
        fit=np.ones(len(order), dtype=bool),
        event=name,
        start=START_S,
        stop=STOP_S,
        bin_s=BIN_S,
    )
    ends = np.cumsum([len(group) for group in groups.values()])
    parts = zip(np.r_[0, ends[:-1]], ends)
    rates = np.array([_mean(result.rate[low:high]) for low, high in parts])
    n_events = int(result.n_events.max(initial=0))
    if not n_events:
        return f"No {name} has a valid window around it."
    return RegionActivity(name, n_events, rates, result.bin_centers)


def _mean(rates: Floats) -> Floats:
    known = np.isfinite(rates)
    n = known.sum(axis=0)
    return np.divide(np.where(known, rates, 0).sum(axis=0), n, out=np.full(rates.shape[1], np.nan), where=n > 0)


def _psth_chart(role: EventRole, found: RegionActivity | str, names: list[str], words: str) -> Chart:
    axis = Axis("time from the event", "s", START_S, STOP_S)
    rows = Axis("region", "", 0, max(len(names), 1), ticks=[(k + 0.5, name) for k, name in enumerate(names)])
    title = f"Regions around {role.title}"
    if isinstance(found, str):
        return Chart(f"psth-{role.id}", title, axis, rows, lacking=found)
    base = _rate_within(found, role.baseline_s)[:, None]
    low, high = role.baseline_s
    change = found.rates_hz - base
    return Chart(
        f"psth-{role.id}",
        f"Regions around {found.event}",
        axis,
        rows,
        (
            Layer("image", y=change, name="change of rate", unit="Hz", colour="diverging"),
            Layer("mark", [0.0], name=found.event, colour="event"),
        ),
        caption=(
            f"Mean rate of the {words} of each region around {found.n_events} events in bins of {BIN_S * 1e3:g} ms, "
            f"less its mean from {low:g} to {high:g} s. Windows with invalid time are left out."
        ),
    )


def _rates_chart(found: dict[str, RegionActivity | str], names: list[str], words: str) -> Chart:
    places = np.arange(len(names)) + 0.5
    layers: list[Layer] = []
    stimulus = found["stimulus"]
    if isinstance(stimulus, RegionActivity):
        low, high = ROLES[0].baseline_s
        before, name = _rate_within(stimulus, ROLES[0].baseline_s), f"{low:g} to {high:g} s from {stimulus.event}"
        layers.append(Layer("points", before, places, name=name, colour="muted", exact=True))
    for role in ROLES:
        one = found[role.id]
        if isinstance(one, RegionActivity):
            low, high = role.after_s
            text = f"{low:g} to {high:g} s from {one.event}"
            layers.append(
                Layer("points", _rate_within(one, role.after_s), places, name=text, colour=role.colour, exact=True)
            )
    return Chart(
        "region-rates",
        "Rates per region",
        Axis("mean rate", "Hz", low=0),
        Axis("region", "", 0, max(len(names), 1), ticks=[(k + 0.5, name) for k, name in enumerate(names)]),
        tuple(layers),
        caption=f"Mean rate of the {words} of each region in stretches around events.",
        lacking="" if layers else "The session has no named events with valid time around them, or no units.",
    )


def _rate_within(activity: RegionActivity, stretch: tuple[float, float]) -> Floats:
    inside = (activity.centres_s >= stretch[0]) & (activity.centres_s < stretch[1])
    return activity.rates_hz[:, inside].mean(axis=1)
