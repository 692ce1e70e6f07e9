"""Charts of sampled signals over the session: wheel, pupil, running, and licks.

Add a signal here with the column that is drawn of it. How signals are read belongs to their source.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.session import Signal
from nh_platform.session.tables.events import LICKS

N_BINS = 400
"""Along the session: one for about every second pixel of a wide screen."""

Floats = npt.NDArray[np.float64]


def signal_charts(material: PageMaterial) -> list[Chart]:
    """Return the charts of wheel, pupil, running and licks."""
    return [wheel(material), pupil(material), running(material), licks(material)]


def wheel(material: PageMaterial) -> Chart:
    """Return how fast the wheel turned: the path that it went in each bin, over the bin's width."""
    signal = material.signals.signals.get("wheel_position")
    if signal is None or len(signal.timestamps) < 2:
        return _chart("wheel", "Wheel", "speed of the wheel", "rad/s", material, None, "The session has no wheel.", "")
    times, position = signal.timestamps, _column(signal, "position")
    known = np.isfinite(times) & np.isfinite(position)
    times, steps = times[known][1:], np.abs(np.diff(position[known]))
    edges = _edges(material)
    path = np.histogram(times, edges, weights=steps)[0]
    text = "Angle that the wheel turned per second, in either direction."
    return _chart("wheel", "Wheel", "speed of the wheel", "rad/s", material, path / np.diff(edges), "", text)


def pupil(material: PageMaterial) -> Chart:
    """Return the size of the pupil: its diameter, or what upstream has of it."""
    signals = material.signals.signals
    if "pupil_diameter" in signals:
        values, unit = _column(signals["pupil_diameter"], "smooth", "raw"), signals["pupil_diameter"].unit
        return _mean_chart(material, "pupil", "Pupil", "diameter", unit, signals["pupil_diameter"], values)
    if "pupil" in signals:
        signal = signals["pupil"]
        width = np.maximum(_column(signal, "pupil_width"), _column(signal, "pupil_height"))
        if "likely_blink" in signal.columns:
            width = np.where(_column(signal, "likely_blink") == 0, width, np.nan)
        return _mean_chart(material, "pupil", "Pupil", "longer half axis of its ellipse", "px", signal, width)
    return _chart("pupil", "Pupil", "size", "px", material, None, "The session has no pupil: no eye was tracked.", "")


def running(material: PageMaterial) -> Chart:
    """Return the running speed."""
    signal = material.signals.signals.get("running_speed")
    if signal is None:
        return _chart("running", "Running", "speed", "cm/s", material, None, "The session has no running wheel.", "")
    return _mean_chart(material, "running", "Running", "speed", "cm/s", signal, _column(signal, "velocity"))


def licks(material: PageMaterial) -> Chart:
    """Return the rate of licks."""
    table = material.events.tables.get(LICKS.name)
    if table is None or table.empty:
        return _chart("licks", "Licks", "licks", "Hz", material, None, "The session has no licks.", "")
    edges = _edges(material)
    rate = np.histogram(table["times"].to_numpy(dtype=np.float64), edges)[0] / np.diff(edges)
    return _chart("licks", "Licks", "licks", "Hz", material, rate, "", f"{len(table)} licks in all.")


def binned_mean(times: Floats, values: Floats, edges: Floats) -> Floats:
    """Return (n_bins,) the mean of the finite values in each bin; NaN where there is none."""
    kept = np.isfinite(times) & np.isfinite(values) & (times >= edges[0]) & (times <= edges[-1])
    place = np.clip(np.searchsorted(edges, times[kept], side="right") - 1, 0, len(edges) - 2)
    n = np.bincount(place, minlength=len(edges) - 1)
    total = np.bincount(place, weights=values[kept], minlength=len(edges) - 1)
    return np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)


def _column(signal: Signal, *names: str) -> Floats:
    """Return the first of the named columns that the signal has, else its first."""
    values = signal.values.reshape(len(signal.timestamps), -1)
    found = next((signal.columns.index(name) for name in names if name in signal.columns), 0)
    return values[:, found].astype(np.float64)


def _mean_chart(
    material: PageMaterial, chart_id: str, title: str, quantity: str, unit: str, signal: Signal, values: Floats
) -> Chart:
    means = binned_mean(signal.timestamps, values, _edges(material))
    lacking = "" if np.isfinite(means).any() else "The signal has no value in the recorded time."
    known = float(np.isfinite(values).mean()) if len(values) else 0.0
    text = f"Means of short stretches; {known:.0%} of the samples have a value."
    return _chart(chart_id, title, quantity, unit, material, None if lacking else means, lacking, text)


def _chart(
    chart_id: str,
    title: str,
    quantity: str,
    unit: str,
    material: PageMaterial,
    values: Floats | None,
    lacking: str,
    caption: str,
) -> Chart:
    edges = _edges(material)
    layers = () if values is None else (Layer("line", (edges[:-1] + edges[1:]) / 2, values, exact=True),)
    time = Axis("time", "s", float(edges[0]), float(edges[-1]), session_clock=True)
    return Chart(chart_id, title, time, Axis(quantity, unit), layers, caption, lacking)


def _edges(material: PageMaterial) -> Floats:
    """Return the bins: of the recorded time, or of the signals where nothing was recorded."""
    recorded = material.recording.spikes.recorded_time
    if recorded.duration_s > 0:
        return np.linspace(recorded.start, recorded.stop, N_BINS + 1)
    every = [one.timestamps[np.isfinite(one.timestamps)] for one in material.signals.signals.values()]
    every = [times for times in every if len(times) > 1]
    if not every:
        return np.linspace(0.0, 1.0, N_BINS + 1)
    return np.linspace(min(float(t.min()) for t in every), max(float(t.max()) for t in every), N_BINS + 1)
