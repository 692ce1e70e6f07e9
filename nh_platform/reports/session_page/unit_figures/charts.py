"""Charts of the card of a unit, in the order in which the card shows them.

Add a chart here once it is made in a module beside.
"""

from __future__ import annotations

import numpy as np

from nh_platform.reports.page.chart import Chart
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.unit_figures import amplitude_charts, session_time_charts, timing_charts
from nh_platform.reports.session_page.unit_figures.amplitude_fits import fit_metric
from nh_platform.reports.session_page.unit_figures.sliding_test import searches_levels, sliding_test
from nh_platform.reports.session_page.unit_figures.unit_counts import count_units
from nh_platform.reports.session_page.unit_figures.waveform_chart import waveform
from nh_platform.session.tables.events import INVALID_TIMES


def unit_charts(material: PageMaterial, columns: frozenset[str]) -> list[Chart]:
    """Return the charts of every unit.

    Parameters
    ----------
    material
        Of the session.
    columns
        Columns of the page's units table, of which charts name those whose numbers belong to them.
    """
    units, spikes, book = material.units, material.recording.spikes, material.rulebooks[0]
    counts = count_units(spikes, units, fit_metric(material.rulebooks), searches_levels(book))
    n_spikes = spikes.counts
    rates_hz = rates(material)
    sliding = sliding_test(counts, n_spikes, book)
    test = timing_charts.refractory(counts, sliding, n_spikes, rates_hz, book)
    invalid = material.events.tables.get(INVALID_TIMES.name, INVALID_TIMES.empty())
    return [
        waveform(material.waveforms, units, material.recording.channels, offered=material.waveforms_offered),
        amplitude_charts.amplitude_over_time(counts),
        amplitude_charts.amplitude_histogram(counts, book, columns),
        session_time_charts.rate(counts, units["probe"], invalid, spikes.recorded_time.pauses),
        session_time_charts.depth_over_time(counts),
        timing_charts.intervals(material.histograms, counts, test),
        timing_charts.autocorrelogram(material.histograms, counts, test),
        timing_charts.short_lags(counts, test),
        timing_charts.confidence(counts, sliding, columns),
    ]


def rates(material: PageMaterial) -> np.ndarray:
    """Return (n_units,) spikes per second between the first and the last spike of each unit's probe; NaN without."""
    spikes, probes = material.recording.spikes, material.units["probe"].to_numpy(dtype=object)
    counts = spikes.counts
    rates_hz = np.full(len(counts), np.nan)
    filled = np.flatnonzero(counts)
    first, last = np.full((2, len(counts)), np.nan)
    first[filled], last[filled] = spikes.times[spikes.offsets[filled]], spikes.times[spikes.offsets[filled + 1] - 1]
    for probe in dict.fromkeys(probes):
        rows = probes == probe
        if counts[rows].any():
            span = np.nanmax(last[rows]) - np.nanmin(first[rows])
            rates_hz[rows] = counts[rows] / span if span > 0 else np.nan
    return rates_hz
