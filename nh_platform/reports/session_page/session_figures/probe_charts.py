"""Charts along the probes: drift map, yield with regions, noise of the channels.

Add a chart of a probe here. Each is made for every probe of the session.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.session_figures.regions_along_probe import region_bands, regions_along
from nh_platform.session.units_of_measure import UV_PER_V

DRIFT_COLUMNS, DRIFT_ROW_UM = 240, 20.0
"""Of the drift map: 20 µm is the distance of two rows of sites of a Neuropixels 1.0 probe."""
MOST_DRIFT_ROWS = 240
YIELD_BIN_UM = 100.0

Floats = npt.NDArray[np.float64]


def drift_maps(material: PageMaterial) -> list[Chart]:
    """Return the drift map of every probe: mean amplitude of the spikes by depth and time."""
    return [_drift_map(material, probe) for probe in _probes(material)]


def _drift_map(material: PageMaterial, probe: str) -> Chart:
    spikes, units = material.recording.spikes, material.units
    rows = np.flatnonzero(units["probe"] == probe)
    recorded = spikes.recorded_time
    spiking = rows[spikes.counts[rows] > 0]
    parts = [slice(int(spikes.offsets[row]), int(spikes.offsets[row + 1])) for row in spiking]
    own_depths = any(np.isfinite(spikes.depths[part]).any() for part in parts)
    has_amplitudes = any(np.isfinite(spikes.amplitudes[part]).any() for part in parts)
    of_units = units["depth"].to_numpy(dtype=np.float64)
    depths = [spikes.depths[part] for part in parts] if own_depths else [of_units[spiking]]
    known = [one[np.isfinite(one)] for one in depths]
    known = [one for one in known if len(one)]
    lacking = "This probe has no spikes." if not len(spiking) else ""
    if not lacking and not (known and recorded.duration_s > 0):
        lacking = "Neither the spikes nor the units of this probe have a depth."
    if lacking:
        return _drift_chart(probe, (), lacking, own_depths, has_amplitudes, (0.0, 1.0), (0.0, 1.0))
    low = DRIFT_ROW_UM * np.floor(min(float(one.min()) for one in known) / DRIFT_ROW_UM)
    high = DRIFT_ROW_UM * np.ceil(max(float(one.max()) for one in known) / DRIFT_ROW_UM + 1e-9)
    counts, sums = _map_of(material, spiking, own_depths, low, high)
    with np.errstate(invalid="ignore", divide="ignore"):
        image = np.where(counts > 0, sums / counts * UV_PER_V if has_amplitudes else counts, np.nan)
    top = np.nanquantile(image, 0.99)
    layer = Layer(
        "image",
        y=np.minimum(image, top),
        name="mean amplitude" if has_amplitudes else "spikes",
        unit="µV" if has_amplitudes else "1",
        colour="heat",
    )
    return _drift_chart(probe, (layer,), "", own_depths, has_amplitudes, (recorded.start, recorded.stop), (low, high))


def _map_of(
    material: PageMaterial, rows: npt.NDArray[np.intp], own_depths: bool, low: float, high: float
) -> tuple[Floats, Floats]:
    from nh_platform.reports.session_page.session_figures.drift_kernel import add_to_map

    spikes, recorded = material.recording.spikes, material.recording.spikes.recorded_time
    of_units = material.units["depth"].to_numpy(dtype=np.float64)
    n_rows = int(min(max(round((high - low) / DRIFT_ROW_UM), 1), MOST_DRIFT_ROWS))
    counts, sums = np.zeros((2, n_rows, DRIFT_COLUMNS))
    for row in rows:
        part = slice(int(spikes.offsets[row]), int(spikes.offsets[row + 1]))
        if not own_depths and not np.isfinite(of_units[row]):
            continue
        add_to_map(
            spikes.times[part],
            spikes.depths[part],
            spikes.amplitudes[part],
            np.nan if own_depths else of_units[row],
            recorded.start,
            recorded.stop,
            low,
            high,
            counts,
            sums,
        )
    return counts, sums


def _drift_chart(
    probe: str,
    layers: tuple[Layer, ...],
    lacking: str,
    own_depths: bool,
    has_amplitudes: bool,
    time: tuple[float, float],
    depth: tuple[float, float],
) -> Chart:
    depths = "" if own_depths else " The release states no depth of single spikes: each lies at the depth of its unit."
    shown = "mean amplitude" if has_amplitudes else "number, since the release has no amplitudes,"
    return Chart(
        f"drift-map-{_id(probe)}",
        f"Drift map of {probe}",
        Axis("time", "s", *time, session_clock=True),
        Axis("depth from the tip", "µm", *depth),
        layers,
        caption=(
            f"Spikes of all units by depth and time; the colour is their {shown} in each cell, the highest hundredth "
            f"in one colour. Stripes that rise and fall together are movement of the probe.{depths}"
        ),
        lacking=lacking,
        wide=True,
    )


def yields(material: PageMaterial) -> list[Chart]:
    """Return of every probe the units and good units along it, over the regions it passes."""
    book = material.rulebooks[0].id
    charts = []
    for probe in _probes(material):
        units = material.units[material.units["probe"] == probe]
        depths = units["depth"].to_numpy(dtype=np.float64)
        good = units[f"pass.{book}"].to_numpy(dtype=bool)
        known = np.isfinite(depths)
        regions = regions_along(probe, material.recording.channels, material.channels)
        layers: tuple[Layer, ...] = ()
        if known.any():
            low = YIELD_BIN_UM * np.floor(depths[known].min() / YIELD_BIN_UM)
            n_bins = int((depths[known].max() - low) // YIELD_BIN_UM) + 1
            edges = low + YIELD_BIN_UM * np.arange(n_bins + 1)
            counts = [np.histogram(depths[known & chosen], edges)[0] for chosen in (np.ones_like(good), good)]
            layers = (
                *region_bands(regions),
                Layer("steps", edges, counts[0], name="units", colour="muted", exact=True),
                Layer("bars", edges, counts[1], name=f"good by {book}", exact=True),
            )
        where = "" if regions else " Its channels have no region: there is no histology, or it is not final."
        charts.append(
            Chart(
                f"yield-{_id(probe)}",
                f"Yield along {probe}",
                Axis("depth from the tip", "µm"),
                Axis("units", "1", low=0),
                layers,
                caption=(
                    f"Units and good units in stretches of {YIELD_BIN_UM:g} µm, over the regions of the "
                    f"channels.{where}"
                ),
                lacking=_no_depths(len(units), bool(known.any())),
            )
        )
    return charts


def _no_depths(n_units: int, known: bool) -> str:
    if not n_units:
        return "This probe has no units."
    return "" if known else "The units of this probe have no depth."


def noises(material: PageMaterial) -> list[Chart]:
    """Return of every probe the noise of its channels along it; one sentence where noise is not made."""
    noise = material.noise
    if noise is None:
        how = (
            "Noise is made on request: name noise under also_assets of the source in sources.yaml and materialize the "
            "session."
        )
        text = how if material.noise_offered else "The source states no noise of its channels."
        return [_noise_chart("noise", "Noise along the probes", (), text)]
    return [_noise_of(material, noise, probe) for probe in _probes(material)]


def _noise_of(material: PageMaterial, noise: pd.DataFrame, probe: str) -> Chart:
    channels = material.recording.channels
    places = channels[channels["probe"] == probe][["channel", "axial_um"]]
    joined = noise[noise["probe"] == probe].merge(places, on="channel").sort_values(["axial_um", "channel"])
    values = joined["ap_rms"].to_numpy(dtype=np.float64) * UV_PER_V
    lacking = "" if np.isfinite(values).any() else "The release states no noise of this probe's channels."
    bands = region_bands(regions_along(probe, channels, material.channels))
    points = Layer("points", joined["axial_um"].to_numpy(dtype=np.float64), values, name="AP band")
    layers = () if lacking else (*bands, points)
    return _noise_chart(f"noise-{_id(probe)}", f"Noise along {probe}", layers, lacking)


def _noise_chart(chart_id: str, title: str, layers: tuple[Layer, ...], lacking: str) -> Chart:
    return Chart(
        chart_id,
        title,
        Axis("depth from the tip", "µm"),
        Axis("RMS of the AP band", "µV"),
        layers,
        caption="Noise of each channel after destriping, as the release measured it on the raw recording.",
        lacking=lacking,
    )


def _probes(material: PageMaterial) -> list[str]:
    stated = [str(probe) for probe in material.recording.probes["probe"]]
    return list(dict.fromkeys([*stated, *map(str, material.units["probe"])]))


def _id(probe: str) -> str:
    """Return a probe's name as part of a chart's id."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in probe.lower())
