"""Probes, channels and units of an Allen session under AllenSDK's names, ids and units of measure.

Contains these tables, alike for Visual Coding and Visual Behavior, and AllenSDK's filter of units. Add a column here
when the store has another one of the release's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.session_view import SessionView
from nh_platform.session import ConfigError
from nh_platform.session.mean_waveforms import BEYOND_PROBE
from nh_platform.session.units_of_measure import UV_PER_V

if TYPE_CHECKING:
    import xarray as xr

RELEASED = "released."
NO_ID = -1

ROW_UM, SECOND_LATERAL_UM = 20, (11, 27)
"""Rows of two contacts every 20 µm, from 20 µm; the one with the odd number lies at 11 or 27 µm (Neuropixels 1.0)."""


@dataclass(frozen=True)
class UnitFilter:
    """Which units AllenSDK shows. Its own defaults are those of `EcephysSession` (2.16.2 `UNIT_FILTER_DEFAULTS`).

    Parameters
    ----------
    filter_by_validity
        Leave out units whose ``quality`` is not ``good``, or whose peak channel has no valid data.
    filter_out_of_brain_units
        Leave out units whose peak channel has no region.
    amplitude_cutoff_maximum, presence_ratio_minimum, isi_violations_maximum
        Limits, themselves allowed; None for none. A unit whose metric is NaN is left out in any case.
    """

    filter_by_validity: bool = True
    filter_out_of_brain_units: bool = True
    amplitude_cutoff_maximum: float | None = 0.1
    presence_ratio_minimum: float | None = 0.95
    isi_violations_maximum: float | None = 0.5

    def kept(self, units: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return (n_units,) which rows of `SessionView.units` are shown.

        Raises
        ------
        ConfigError
            If the units lack a released metric that is asked for, as those of other sources do.
        """
        needed = ("amplitude_cutoff", "presence_ratio", "isi_violations", "quality", "valid_data")
        if lacking := [name for name in needed if f"{RELEASED}{name}" not in units]:
            raise ConfigError(
                "units",
                f"they have no released {', '.join(lacking)}: they are not of an Allen session",
                "Give a session of allen_vc or allen_vbn.",
            )
        kept = (units["released.amplitude_cutoff"] <= _or(self.amplitude_cutoff_maximum, np.inf)).to_numpy()
        kept &= (units["released.presence_ratio"] >= _or(self.presence_ratio_minimum, -np.inf)).to_numpy()
        kept &= (units["released.isi_violations"] <= _or(self.isi_violations_maximum, np.inf)).to_numpy()
        if self.filter_by_validity:
            kept &= (units["released.quality"] == "good").to_numpy() & units["released.valid_data"].to_numpy(bool)
        if self.filter_out_of_brain_units:
            kept &= units["acronym"].notna().to_numpy() & (units["acronym"] != "void").to_numpy()
        return np.asarray(kept, dtype=bool)


def _or(limit: float | None, otherwise: float) -> float:
    return otherwise if limit is None else limit


def unit_ids(session: SessionView) -> npt.NDArray[np.int64]:
    """Return (n_units,) Allen's ids, in the order of the session's units."""
    return session.units["unit_id"].to_numpy(dtype=object).astype(np.int64)


def probe_ids(session: SessionView) -> dict[str, int]:
    """Return Allen's id of each probe by its name; `NO_ID` where upstream states none."""
    ids = pd.to_numeric(session.probes["insertion_id"], errors="coerce").fillna(NO_ID).astype(np.int64)
    return dict(zip(session.probes["probe"], ids.tolist()))


def probes_table(session: SessionView, name: str) -> pd.DataFrame:
    """Return the probes: index ``id``; the probe's name as column ``name``, and ``sampling_rate`` (Hz).

    Not stored: ``location``, ``lfp_sampling_rate``, ``has_lfp_data``.
    """
    probes = session.probes
    ids = pd.Index(list(probe_ids(session).values()), dtype=np.int64, name="id")
    columns = {name: probes["probe"].to_numpy(object), "sampling_rate": probes["sampling_rate"].to_numpy(np.float64)}
    return pd.DataFrame(columns, index=ids)


def channels_table(session: SessionView) -> pd.DataFrame:
    """Return every channel: index ``id``; number and place (µm) on the probe, region, CCF position (µm).

    Not stored: ``filtering``, ``valid_data``, so that channels without valid data are there too. The number is that of
    the place on a Neuropixels 1.0 probe; -1 off its grid.
    """
    channels = session.channels
    acronym = channels["acronym"].astype(object) if "acronym" in channels else pd.Series(None, channels.index, object)
    acronym = acronym.where(acronym.notna(), np.nan)
    lateral, axial = channels["lateral_um"].to_numpy(np.float64), channels["axial_um"].to_numpy(np.float64)
    table = pd.DataFrame(
        {
            "probe_channel_number": _number_on_probe(lateral, axial),
            "probe_horizontal_position": _whole(lateral),
            "probe_id": channels["probe"].map(probe_ids(session)).to_numpy(np.int64),
            "probe_vertical_position": _whole(axial),
            # AllenSDK shows LGd for LGd-sh here (`strip_substructure_acronym`), and the whole name in the next column.
            "structure_acronym": acronym.map(lambda name: name.split("-")[0] if isinstance(name, str) else name),
            "ecephys_structure_id": _float(channels, "atlas_id").replace(0.0, np.nan),
            "ecephys_structure_acronym": acronym,
            "anterior_posterior_ccf_coordinate": _float(channels, "ccf_ap_um"),
            "dorsal_ventral_ccf_coordinate": _float(channels, "ccf_dv_um"),
            "left_right_ccf_coordinate": _float(channels, "ccf_ml_um"),
        }
    )
    return table.set_index(pd.Index(channels["upstream_id"].to_numpy(np.int64), name="id"))


def units_table(session: SessionView, which: UnitFilter) -> pd.DataFrame:
    """Return the units that a filter leaves: index ``id``; metrics under the names of the file, ``amplitude`` in µV.

    ``quality`` is there where invalid units are. Not stored: ``local_index``.
    """
    units = session.units[which.kept(session.units)]
    at = session.channels.set_index(["probe", "channel"])["upstream_id"]
    peak = at.reindex(pd.MultiIndex.from_frame(units[["probe", "channel"]]), fill_value=-1)
    released = [name for name in units if name.startswith(RELEASED)]
    table = units[released].rename(columns=lambda name: name.removeprefix(RELEASED)).drop(columns="valid_data")
    if which.filter_by_validity:
        table = table.drop(columns="quality")
    if "amplitude" in table:
        table["amplitude"] *= UV_PER_V
    table = table.assign(cluster_id=units["cluster_id"], peak_channel_id=peak.to_numpy(np.int64))
    return table.set_index(pd.Index(units["unit_id"].astype(np.int64), name="id"))


def mean_waveforms(session: SessionView, ids: npt.NDArray[np.int64]) -> dict[int, xr.DataArray]:
    """Return (channels, samples) µV by unit id, with ``channel_id`` and ``time`` in s.

    Those channels that are stored: 20 on each side of the peak; AllenSDK has all of the probe.

    Raises
    ------
    UnknownSession
        If `mean_waveforms` was not made, which it is only on request; the text says how.
    """
    import xarray as xr

    waves = session.mean_waveforms([str(one) for one in ids])
    channels = channels_table(session)
    by_place = dict(
        zip(zip(channels["probe_id"].tolist(), channels["probe_channel_number"].tolist()), channels.index.tolist())
    )
    of_unit = dict(zip(unit_ids(session).tolist(), session.units["probe"].map(probe_ids(session)).tolist()))
    found = {}
    for row, unit in enumerate(ids.tolist()):
        numbers = waves.channels[row]
        known = [(of_unit[unit], number) in by_place for number in numbers.tolist()] & (numbers != BEYOND_PROBE)
        found[unit] = xr.DataArray(
            waves.values[row][known].astype(np.float64) * UV_PER_V,
            dims=["channel_id", "time"],
            coords={
                "channel_id": [by_place[of_unit[unit], number] for number in numbers[known].tolist()],
                "time": np.arange(waves.values.shape[2]) / waves.sampling_rates[row],
            },
        )
    return found


def _number_on_probe(lateral: npt.NDArray[np.float64], axial: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    row = axial / ROW_UM - 1
    on_grid = np.isfinite(lateral) & (row == np.floor(row)) & (row >= 0)
    return np.where(on_grid, 2 * np.where(on_grid, row, 0) + np.isin(lateral, SECOND_LATERAL_UM), -1).astype(np.int64)


def _whole(values: npt.NDArray[np.float64]) -> npt.NDArray[np.generic]:
    """Return whole numbers as int64, as AllenSDK has them; others as they are."""
    return values.astype(np.int64) if np.array_equal(values, np.rint(values)) else values


def _float(channels: pd.DataFrame, name: str) -> pd.Series:
    return channels[name].astype(np.float64) if name in channels else pd.Series(np.nan, index=channels.index)
