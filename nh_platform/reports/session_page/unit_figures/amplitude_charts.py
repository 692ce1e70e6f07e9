"""Charts of a unit's amplitudes: over the session, and as a histogram with what the cut-off of the rulebook compares.

Add a chart of amplitudes here. What is counted is `unit_counts`, what is compared `amplitude_fits`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.verdicts import threshold_in
from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.session_page.unit_figures.amplitude_fits import (
    DRAWN,
    SMOOTHED,
    AmplitudeFit,
    shown,
)
from nh_platform.reports.session_page.unit_figures.unit_counts import UnitCounts
from nh_platform.session.units_of_measure import UV_PER_V

MEDIANS = ("ibl.amp_median@2022-10", "spikeinterface.amplitude_median@0.105")
"""Metrics that are the median amplitude."""
_LACKING = "The release has no amplitudes of these spikes, or some are no numbers."
_LACKING_UNIT = "This unit has no spikes with amplitudes."

Floats = npt.NDArray[np.float64]


def amplitude_over_time(counts: UnitCounts) -> Chart:
    """Return amplitudes over the session: spikes by amplitude and time, with the detection threshold's place."""
    lows, highs = counts.amplitude_lows, counts.amplitude_highs
    known = np.isfinite(lows)
    fit = counts.amplitude_fit
    return Chart(
        "amplitude-over-time",
        "Amplitude over time",
        Axis("time", "s", counts.start_s, counts.stop_s, session_clock=True),
        Axis("amplitude", "µV", unit_lows=lows * UV_PER_V, unit_highs=highs * UV_PER_V),
        (
            Layer(
                "image",
                y=shown(in_steps(counts.amplitude_image), known),
                name="spikes",
                unit="1",
                colour="heat",
                per_unit=True,
                root=True,
            ),
            Layer(
                "mark",
                (fit.cutoffs * UV_PER_V)[:, None],
                name="lowest amplitudes",
                colour="bad",
                along="y",
                text="cut-off",
                per_unit=True,
            ),
        ),
        caption=(
            "Spikes by amplitude and time. A distribution that touches the cut-off line misses spikes; a step or "
            "slope is drift or a merge. The highest row also holds the few spikes above it."
        ),
        lacking="" if known.any() else _LACKING,
        lacking_unit=_LACKING_UNIT,
    )


def in_steps(image: npt.NDArray[np.int64], n_steps: int = 20) -> Floats:
    """Return counts whose square roots take ``n_steps`` even steps from 0 to the unit's largest; what is counted stays.

    More than the eye tells apart in a colour map is noise, which does not pack: 1.06 kB a unit without steps.

    Parameters
    ----------
    image
        (n_units, n_rows, n_columns) counts.
    n_steps
        Steps; a count that is not 0 is never drawn as 0.
    """
    roots = np.sqrt(image)
    top = roots.max(axis=(1, 2), keepdims=True, initial=0.0)
    step = np.where(top > 0, top / n_steps, 1.0)
    steps = np.where(image > 0, np.maximum(np.rint(roots / step), 1), 0)
    return np.asarray((steps * step) ** 2, dtype=np.float64)


def amplitude_histogram(counts: UnitCounts, book: Rulebook, shown_columns: frozenset[str]) -> Chart:
    """Return the histogram of amplitudes with its cut-off and what the rulebook's metric compares.

    Parameters
    ----------
    counts
        Of the session.
    book
        The active rulebook: its limits of amplitude and of the noise cut-off are drawn.
    shown_columns
        Columns of the page's table.
    """
    fit = counts.amplitude_fit
    known = np.isfinite(fit.highs)
    layers = [Layer("bars", fit.edges * UV_PER_V, shown(fit.counts, known), name="spikes", per_unit=True)]
    layers += _smoothed_layers(fit) if fit.metric in SMOOTHED else _noise_layers(fit, book)
    median = next((rule for rule in book.rules if rule.metric in MEDIANS), None)
    if median is not None:
        limit = threshold_in(median, "uV")
        within = (fit.lows * UV_PER_V <= limit) & (limit <= fit.highs * UV_PER_V)
        places = np.where(within, limit, np.nan)[:, None]
        words = f"{limit:g} µV"
        layers.append(Layer("mark", places, name="limit of the median", colour="muted", text=words, per_unit=True))
    return Chart(
        "amplitude-histogram",
        "Amplitude histogram and cut-off",
        Axis("amplitude", "µV", unit_lows=fit.lows * UV_PER_V, unit_highs=fit.highs * UV_PER_V),
        Axis("spikes", "1", low=0),
        tuple(layers),
        caption=_caption(fit.metric),
        lacking="" if known.any() else _LACKING,
        lacking_unit="The histogram needs at least two spikes with amplitudes.",
        columns=tuple(
            name for name in (fit.metric, "amp_median_uv", median.metric if median else "") if name in shown_columns
        ),
    )


def _smoothed_layers(fit: AmplitudeFit) -> list[Layer]:
    edges = fit.edges
    centres = (edges[:, :-1] + edges[:, 1:]) / 2
    missing = np.column_stack([fit.symmetric, fit.highs])
    return [
        Layer("line", centres * UV_PER_V, fit.smoothed, name="smoothed", colour="second", per_unit=True),
        Layer("mark", (fit.cutoffs * UV_PER_V)[:, None], name="cut-off", colour="bad", text="cut-off", per_unit=True),
        Layer(
            "band", missing * UV_PER_V, name="as much as is missing", colour="third", text="as missing", per_unit=True
        ),
    ]


def _noise_layers(fit: AmplitudeFit, book: Rulebook) -> list[Layer]:
    if fit.metric not in DRAWN:
        return [Layer("mark", (fit.cutoffs * UV_PER_V)[:, None], name="smallest", colour="bad", per_unit=True)]
    limit = next((_number(rule.threshold) for rule in book.rules if rule.metric == fit.metric), None)
    high = fit.high_edges * UV_PER_V
    layers = [
        Layer("band", fit.low_edges * UV_PER_V, name="low bin", colour="bad", text="low bin", per_unit=True),
        Layer(
            "line",
            high,
            np.repeat(fit.high_means[:, None], 2, axis=1),
            name="mean of the high bins",
            colour="third",
            per_unit=True,
            exact=True,
        ),
    ]
    if limit is not None:
        top = fit.high_means + limit * fit.high_deviations
        across = np.column_stack([fit.low_edges[:, 0], fit.high_edges[:, 1]]) * UV_PER_V
        words = f"mean + {limit:g} deviations"
        level = np.repeat(top[:, None], 2, axis=1)
        layers.append(Layer("line", across, level, name=words, colour="second", per_unit=True, exact=True))
    return layers


def _number(threshold: object) -> float | None:
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    return float(threshold) if is_number else None  # type: ignore[arg-type]


def _caption(metric: str) -> str:
    if metric in SMOOTHED:
        return (
            "The smoothed histogram ends at the cut-off. Where it has the same height on the far side of its peak, the "
            "share of spikes beyond is taken for the share that is missing below the cut-off."
        )
    if metric in DRAWN:
        return (
            "The low bin is the second one with spikes. It may stand above the mean of the high bins by no more than "
            "the rule's number of their standard deviations; else the distribution is cut off at the detection "
            "threshold."
        )
    return "Spikes by amplitude. The rulebook has no rule about a cut-off that could be drawn."
