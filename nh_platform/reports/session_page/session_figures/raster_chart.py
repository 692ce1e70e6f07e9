"""The raster: the spikes of all units in a short stretch of the session, with the events of the task.

Change here which stretch is shown and how units are ordered.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.reading.events.session_events import SessionEvents
from nh_platform.reports.page.chart import Axis, Chart, Colour, Layer
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.session.recorded_time import RecordedTime

STRETCH_S, BIN_S = 10.0, 0.01
MOST_ROWS = 400
"""Rows of the image; of more units, neighbours along the probe share one."""
MARKED: tuple[tuple[str, Colour], ...] = (
    ("stimulus onset", "event"),
    ("image change", "second"),
    ("first movement", "second"),
    ("response", "main"),
    ("feedback", "third"),
    ("reward", "third"),
    ("lick", "muted"),
)
"""Events that are marked, where the source has them, and their colours."""
_MOST_NAMES = 4
_BEFORE_S = 1.0
"""Shown before the event with which the stretch begins."""

Floats = npt.NDArray[np.float64]


def raster(material: PageMaterial, events: SessionEvents) -> Chart:
    """Return the spikes of ten seconds amid the session, units in the order of probes and depths."""
    spikes, units = material.recording.spikes, material.units
    recorded = spikes.recorded_time
    names = [name for name, _ in MARKED if name in events.names]
    if "feedback" in names and "reward" in names:  # one is part of the other
        names.remove("reward")
    times = {name: np.sort(events(name).times) for name in names}
    start = stretch_start(recorded, times.get("stimulus onset", np.zeros(0)))
    stop = start + STRETCH_S
    n_spiking = int((spikes.counts > 0).sum())
    lacking = "" if n_spiking and recorded.duration_s > 0 else "The session has no spikes."
    layers: tuple[Layer, ...] = ()
    ticks: list[tuple[float, str]] = []
    n_rows = 1
    if not lacking:
        order = np.lexsort((units["depth"].fillna(-1).to_numpy(), units["probe"].astype(str).to_numpy()))
        image, per_row = _image(material, order, start)
        n_rows = len(image)
        ticks = _probe_ticks(units["probe"].astype(str).to_numpy()[order], per_row)
        layers = (Layer("image", y=np.where(image > 0, image, np.nan), name="spikes", unit="1", colour="heat"),)
        layers += tuple(_marks(times, start, stop))
    marked = "Lines are events of the task." if len(layers) > 1 else "No named event lies in this stretch."
    return Chart(
        "raster",
        "Raster",
        Axis("time", "s", start, stop, session_clock=True),
        Axis("units by probe and depth", "", 0, n_rows, ticks=ticks),
        layers,
        caption=f"Spikes of all units in {STRETCH_S:g} s amid the session, in bins of {BIN_S * 1e3:g} ms. {marked}",
        lacking=lacking,
        wide=True,
    )


def stretch_start(recorded: RecordedTime, onsets: Floats) -> float:
    """Return where the stretch begins, s: a second before the stimulus nearest the middle, within the recorded time.

    Without a stimulus it lies amid the longest part between pauses of the recording.
    """
    if not recorded.duration_s > 0:
        return 0.0
    edges = [recorded.start, *(edge for pause in recorded.pauses for edge in pause), recorded.stop]
    parts = sorted(zip(edges[::2], edges[1::2]), key=lambda part: part[0] - part[1])
    low, high = parts[0]
    inside = onsets[(onsets >= low + _BEFORE_S) & (onsets <= high - STRETCH_S + _BEFORE_S)]
    if len(inside):
        middle = (recorded.start + recorded.stop) / 2
        return float(inside[np.abs(inside - middle).argmin()] - _BEFORE_S)
    return float(max(low, (low + high - STRETCH_S) / 2))


def _image(material: PageMaterial, order: npt.NDArray[np.intp], start: float) -> tuple[Floats, int]:
    """Return (n_rows, n_bins) spikes, the first unit lowest, and how many units share a row."""
    spikes = material.recording.spikes
    n_bins = round(STRETCH_S / BIN_S)
    per_row = -(-len(order) // MOST_ROWS)
    image = np.zeros((-(-len(order) // per_row), n_bins))
    for place, unit in enumerate(order):
        times = spikes.of_unit(int(unit))
        inside = times[np.searchsorted(times, start) : np.searchsorted(times, start + STRETCH_S)]
        bins = np.minimum(((inside - start) / BIN_S).astype(np.int64), n_bins - 1)
        image[place // per_row] += np.bincount(bins, minlength=n_bins)
    return image, per_row


def _probe_ticks(probes: npt.NDArray[np.object_], per_row: int) -> list[tuple[float, str]]:
    starts = np.flatnonzero(np.r_[True, probes[1:] != probes[:-1]])
    ends = np.r_[starts[1:], len(probes)]
    return [((first + last) / 2 / per_row, str(probes[first])) for first, last in zip(starts.tolist(), ends.tolist())]


def _marks(times: dict[str, Floats], start: float, stop: float) -> list[Layer]:
    layers: list[Layer] = []
    for name, colour in MARKED:
        inside = times.get(name, np.zeros(0))
        inside = inside[(inside >= start) & (inside < stop)]
        if len(inside) and len(layers) < _MOST_NAMES:
            layers.append(Layer("mark", inside, name=name, colour=colour))
    return layers
