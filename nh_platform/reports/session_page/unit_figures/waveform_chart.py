"""The chart of a unit's mean waveform, channel by channel at their places on the probe.

Change here how waveforms are drawn. Where they come from is `nh_platform.session.mean_waveforms`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms
from nh_platform.session.units_of_measure import MS_PER_S, UV_PER_V

N_CHANNELS = 9
"""Channels around the peak that are drawn: two rows above and below it on a Neuropixels probe of four columns."""
N_SAMPLES = 41
"""Samples that are drawn of each: every second of 82."""
_WIDTH_UM, _HEIGHT_UM = 26.0, 60.0
"""Place of one trace on the figure: its width is about the pitch of the sites, its height reaches the next rows."""
BAR_UV = 100.0
_CORNER_UM = (-60.0, -80.0)
"""Where the bars stand."""

Floats = npt.NDArray[np.float64]


def waveform(waves: MeanWaveforms | None, units: pd.DataFrame, channels: pd.DataFrame, *, offered: bool) -> Chart:
    """Return the mean waveform of every unit on the channels around its peak.

    Parameters
    ----------
    waves
        Mean waveforms of some or all units; None where they are not made.
    units
        (n_units,) rows with ``unit_id`` and ``probe``.
    channels
        Channels of the session, schema `RAW_CHANNELS`.
    offered
        Whether the source has mean waveforms that can be asked for.
    """
    if waves is None or not len(units):
        how = (
            "Mean waveforms are made on request: name mean_waveforms under also_assets of the source in sources.yaml "
            "and materialize the session."
        )
        text = how if offered else "The source has no mean waveforms."
        return _chart((), text if len(units) else "The session has no units.")
    traces, places = peak_traces(waves, units, channels)
    drawn: npt.NDArray[np.bool_] = np.asarray(np.isfinite(traces).any(axis=(1, 2)), dtype=bool)
    if not drawn.any():
        return _chart((), "The release states no waveform of these units.")
    largest = np.nanmax(
        np.where(drawn[:, None, None], np.abs(traces), np.nan), axis=(1, 2), initial=0, where=np.isfinite(traces)
    )
    scale = _HEIGHT_UM / np.where(largest > 0, 2 * largest, 1.0)
    across = np.linspace(-_WIDTH_UM / 2, _WIDTH_UM / 2, traces.shape[2])
    layers = []
    for rank in range(traces.shape[1]):
        x = places[:, rank, :1] + across
        y = places[:, rank, 1:] + traces[:, rank] * scale[:, None]
        colour = "main" if rank == 0 else "muted"
        name = "peak channel" if rank == 0 else ("neighbours" if rank == 1 else "")
        layers.append(Layer("line", np.where(np.isfinite(y), x, np.nan), y, name=name, colour=colour, per_unit=True))  # type: ignore[arg-type]
    return _chart((*reversed(layers), *_scale_bars(scale, drawn, waves)), "")


def peak_traces(waves: MeanWaveforms, units: pd.DataFrame, channels: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return waveforms in µV and their places relative to the peak channel.

    Parameters are those of `waveform`.

    Returns
    -------
    tuple
        (n_units, 9, 41) µV, the peak channel first, then by distance; NaN where there is none. And (n_units, 9, 2) µm,
        lateral and axial place of each channel relative to the peak.
    """
    row_of = {unit: row for row, unit in enumerate(waves.unit_ids)}
    step = max(1, waves.values.shape[2] // N_SAMPLES)
    shown = len(range(0, waves.values.shape[2], step))
    traces = np.full((len(units), N_CHANNELS, shown), np.nan)
    places = np.full((len(units), N_CHANNELS, 2), np.nan)
    positions = {
        str(probe): of_probe.set_index("channel")[["lateral_um", "axial_um"]].to_dict("index")
        for probe, of_probe in channels.groupby("probe", sort=False)
    }
    for unit, (unit_id, probe) in enumerate(zip(units["unit_id"], units["probe"])):
        row = row_of.get(str(unit_id))
        if row is None or waves.peaks[row] == BEYOND_PROBE:
            continue
        at = positions.get(str(probe), {})
        peak = at.get(int(waves.peaks[row]))
        if peak is None:
            continue
        found = []
        for column, channel in enumerate(waves.channels[row].tolist()):
            place = at.get(channel)
            if place is not None and np.isfinite(waves.values[row, column]).any():
                offset = (place["lateral_um"] - peak["lateral_um"], place["axial_um"] - peak["axial_um"])
                found.append((np.hypot(*offset), channel != waves.peaks[row], column, offset))
        for rank, (_, _, column, offset) in enumerate(sorted(found)[:N_CHANNELS]):
            traces[unit, rank] = waves.values[row, column, ::step].astype(np.float64) * UV_PER_V
            places[unit, rank] = offset
    return traces, places


def _scale_bars(scale: Floats, drawn: npt.NDArray[np.bool_], waves: MeanWaveforms) -> list[Layer]:
    """Return a bar of 100 µV and one of 1 ms below the traces; of time only where the sampling rate is known."""
    shown = np.where(drawn, 1.0, np.nan)[:, None]
    volts = np.array([[0.0, 1.0]]) * (BAR_UV * scale)[:, None]
    words: dict[str, Any] = {"per_unit": True, "exact": True}
    upright = np.zeros((1, 2)) + _CORNER_UM[0]
    layers = [
        Layer("line", upright * shown, (_CORNER_UM[1] + volts) * shown, name=f"{BAR_UV:g} µV", colour="second", **words)
    ]
    rates = waves.sampling_rates[np.isfinite(waves.sampling_rates)]
    if len(rates):
        bar_um = _WIDTH_UM * float(np.median(rates)) / MS_PER_S / waves.values.shape[2]
        across, level = _CORNER_UM[0] + np.array([[0.0, bar_um]]), np.zeros((1, 2)) + _CORNER_UM[1]
        layers.append(Layer("line", across * shown, level * shown, name="1 ms", colour="third", **words))
    return layers


def _chart(layers: tuple[Layer, ...], lacking: str) -> Chart:
    return Chart(
        "waveform",
        "Mean waveform",
        Axis("across the probe", "µm", -65, 65),
        Axis("along the probe", "µm", -85, 85),
        layers,
        caption=(
            "Each trace lies where its channel lies, counted from the peak channel; bars give voltage and time. The "
            "waveform is that of the release."
        ),
        lacking=lacking,
        lacking_unit="The release has no waveform of this unit.",
    )
