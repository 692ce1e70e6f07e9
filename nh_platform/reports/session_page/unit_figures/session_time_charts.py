"""Charts of a unit over the session: its rate, with the intervals that do not count, and its depth.

Add a chart over the session's time here. What is counted is `unit_counts`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.session_page.unit_figures.unit_counts import RATE_COLUMNS, UnitCounts
from nh_platform.windows.intervals import FloatArray, merged_pairs
from nh_platform.windows.valid_time import RECORDING_SCOPES

LEAST_RECORDED = 0.1
"""Share of a bin that must have been recorded for it to have a rate."""
MOST_INTERVALS = 60
"""Of a probe or of the session that are drawn; a release has few."""


def rate(
    counts: UnitCounts, probes: pd.Series, invalid: pd.DataFrame, pauses: tuple[tuple[float, float], ...]
) -> Chart:
    """Return the rate over the session, with invalid and reviewed intervals and pauses of the recording.

    Parameters
    ----------
    counts
        Of the session.
    probes
        (n_units,) probe of each unit.
    invalid
        Invalid intervals, schema `INVALID_TIMES`: upstream's, and those that counted reviews mark.
    pauses
        (start, stop) s in which nothing was recorded.
    """
    width_s = (counts.stop_s - counts.start_s) / RATE_COLUMNS
    has_spikes = np.asarray(counts.rate_counts.any(axis=1), dtype=bool)
    edges = np.linspace(counts.start_s, counts.stop_s, RATE_COLUMNS + 1)
    recorded_s = recorded_in(edges, pauses)
    known = has_spikes[:, None] & (recorded_s > LEAST_RECORDED * width_s)
    rates = np.divide(counts.rate_counts, recorded_s, out=np.full(counts.rate_counts.shape, np.nan), where=known)
    return Chart(
        "rate",
        "Firing rate over the session",
        _session_axis(counts),
        Axis("rate", "Hz", low=0),
        (
            *interval_bands(probes, invalid, pauses),
            Layer("steps", edges, rates, name="rate", per_unit=True),
        ),
        caption=(
            f"Spikes per second in bins of {width_s:.3g} s. Units that come and go, or stop at a step, were lost by "
            "the sorting or moved away."
        ),
        lacking="" if has_spikes.any() and width_s else "No unit has spikes.",
        lacking_unit="This unit has no spikes.",
    )


def recorded_in(edges: FloatArray, pauses: tuple[tuple[float, float], ...]) -> FloatArray:
    """Return (n_bins,) the seconds between consecutive ``edges`` (s) that lie in no pause.

    Examples
    --------
    >>> recorded_in(np.array([0.0, 10.0, 20.0]), ((5.0, 20.0),)).tolist()
    [5.0, 0.0]
    """
    recorded = np.diff(edges)
    for start, stop in pauses:
        recorded = recorded - np.clip(np.minimum(edges[1:], stop) - np.maximum(edges[:-1], start), 0, None)
    return recorded


def depth_over_time(counts: UnitCounts) -> Chart:
    """Return the median depth of the spikes over the session, with the middle 80 % of them."""
    lower, median, upper = (counts.depth_quantiles[:, k] for k in range(3))
    edges = np.linspace(counts.start_s, counts.stop_s, median.shape[1] + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    known = np.isfinite(median).any()
    return Chart(
        "depth-over-time",
        "Depth over time",
        _session_axis(counts),
        Axis("depth from the tip", "µm"),
        (
            Layer("line", centres, lower, name="10 to 90 % of spikes", colour="muted", per_unit=True),
            Layer("line", centres, upper, colour="muted", per_unit=True),
            Layer("line", centres, median, name="median", per_unit=True),
        ),
        caption=(
            "Depth of the unit's spikes along the probe. A slope or step is movement of the tissue or a merge of units."
        ),
        lacking="" if known else "The release states no depth of single spikes.",
        lacking_unit="This unit has no spikes with depths.",
    )


def interval_bands(
    probes: pd.Series, invalid: pd.DataFrame, pauses: tuple[tuple[float, float], ...] = ()
) -> list[Layer]:
    """Return bands of the intervals in which the spikes of units do not count, and of pauses.

    Intervals of all probes are bands of every unit, those of one probe bands of its units alone. Where reviews mark an
    interval it is told apart from those of the release.
    """
    valid_rows = invalid[invalid["stop_time"] > invalid["start_time"]]
    reviewed = valid_rows["label"].astype("string").str.startswith("review: ").fillna(False).to_numpy(dtype=bool)
    layers = []
    for of_reviews, name, colour in ((False, "invalid", "bad"), (True, "marked by review", "second")):
        rows = valid_rows[reviewed == of_reviews]
        shared = merged_pairs(
            zip(*(rows.loc[rows["scope"].isin(RECORDING_SCOPES), c] for c in ("start_time", "stop_time")))
        )
        if len(shared):
            layers.append(Layer("band", shared[:MOST_INTERVALS].ravel(), name=name, colour=colour))  # type: ignore[arg-type]
        own = _of_units(probes, rows)
        if own is not None:
            words = f"{name}, this probe"
            layers.append(Layer("band", own, name=words, colour=colour, per_unit=True, exact=True))  # type: ignore[arg-type]
    if pauses:
        layers.append(Layer("band", np.array(pauses[:MOST_INTERVALS]).ravel(), name="not recorded", colour="muted"))
    return layers


def _of_units(probes: pd.Series, rows: pd.DataFrame) -> np.ndarray | None:
    """Return (n_units, 2 n) the intervals of each unit's probe, NaN behind the last; None where no probe has one."""
    by_probe = {
        str(probe): merged_pairs(zip(of_probe["start_time"], of_probe["stop_time"]))[:MOST_INTERVALS].ravel()
        for probe, of_probe in rows[rows["scope"].isin(set(probes))].groupby("scope")
    }
    if not by_probe:
        return None
    width = max(len(places) for places in by_probe.values())
    table = {
        probe: np.pad(places, (0, width - len(places)), constant_values=np.nan) for probe, places in by_probe.items()
    }
    nothing = np.full(width, np.nan)
    return np.array([table.get(str(probe), nothing) for probe in probes])


def _session_axis(counts: UnitCounts) -> Axis:
    return Axis("time", "s", counts.start_s, counts.stop_s, session_clock=True)
