"""Where each channel and unit lies in the brain, as the release's aligned electrode sites say.

Only final positions in ALF files count; sessions that have none are unlocated, and nothing is computed from tracks
(that needs the atlas volume and a person's alignment). Add here what a release says about place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.lfp import LFP_CHANNELS
from nh_platform.session.tables.spikes import RAW_UNITS
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNIT_POSITIONS
from nh_platform.sources.anatomy.coordinates import ccf_um_from_xyz_m
from nh_platform.sources.anatomy.regions import regions_of_ids
from nh_platform.sources.ibl.session.sorting import read_channels
from nh_platform.sources.ibl.session.verified_files import OpenFiles

UM_TO_M = 1e-6

ALF, UNLOCATED = "alf", "unlocated"
"""Values of ``histology``: final positions from ALF files, or none."""


@dataclass(frozen=True)
class _Sites:
    """Positions of one probe's channels; None where upstream states none."""

    ids: npt.NDArray[np.int64] | None
    mlapdv_um: npt.NDArray[np.float64] | None
    count: int


def read_positions(units: pd.DataFrame, channels: pd.DataFrame, files: OpenFiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the positions of channels, and of units by their peak channel.

    ``electrodeSites`` of the probe win over ``channels`` of the sorter, attribute by attribute; where their numbers
    of channels disagree (374 and 384 have been seen), electrodeSites count alone and channels are numbered by row
    (ibllib 4.1.0 ``SpikeSortingLoader.load_channels``).

    Parameters
    ----------
    units, channels
        Schemas `RAW_UNITS` and `RAW_CHANNELS`.
    files
        The session's files of group ``alignment``.

    Returns
    -------
    unit_positions, channel_positions
        Schemas `UNIT_POSITIONS` (in the order of ``units``) and `CHANNEL_POSITIONS`.
    """
    unit_parts, channel_parts = [], []
    probes = dict.fromkeys([*units["probe"], *channels["probe"]])
    for probe in probes:
        of_probe = units[units["probe"] == probe]
        sites = _read_sites(probe, int((channels["probe"] == probe).sum()), files)
        positions = _positions(probe, sites, files)
        channel_parts.append(positions.assign(probe=probe, channel=np.arange(sites.count, dtype=np.int64)))
        row = of_probe["channel"].to_numpy()
        outside = (row < 0) | (row >= sites.count)
        if outside.any():
            files.note(probe, f"{int(outside.sum())} units have a peak channel without a position; unlocated")
        # One unlocated row at the end, for the units whose channel has none.
        with_none = pd.concat([positions, _positions(probe, _Sites(None, None, 1), None)], ignore_index=True)
        of_units = with_none.iloc[np.where(outside, sites.count, row)]
        unit_parts.append(of_units.assign(unit_id=of_probe["unit_id"].to_numpy()).set_axis(of_probe.index))
    unit_positions = pd.concat(unit_parts).loc[units.index] if unit_parts else UNIT_POSITIONS.empty()
    channel_positions = pd.concat(channel_parts, ignore_index=True) if channel_parts else CHANNEL_POSITIONS.empty()
    return UNIT_POSITIONS.conform(unit_positions), CHANNEL_POSITIONS.conform(channel_positions)


def read_located_channels(probe: str, files: OpenFiles) -> pd.DataFrame:
    """Read the channels of one probe and where they lie (schema `LFP_CHANNELS`), without its spikes.

    Where electrodeSites has rows of another number than the sorting has channels, they are those of the recording: a
    row is taken for the channel of that number in the file (`upstream_id`), whether or not it is sorted.

    Parameters
    ----------
    probe
        The probe.
    files
        The session's files of the objects ``channels`` and ``electrodeSites``.
    """
    channels = read_channels(probe, files)
    _, positions = read_positions(RAW_UNITS.empty(), channels, files)
    if len(positions) == len(channels):
        table = channels.merge(positions, on=["probe", "channel"], how="left")
    else:
        of_file = positions.rename(columns={"channel": "upstream_id"})
        table = channels.merge(of_file, on=["probe", "upstream_id"], how="outer").sort_values("upstream_id")
        unsorted = table["channel"].isna()
        table.loc[unsorted, "channel"] = np.arange(len(channels), len(channels) + int(unsorted.sum()))
        table = table.astype({"channel": np.int64}).reset_index(drop=True)
    return LFP_CHANNELS.conform(table.fillna({"atlas_id": 0, "histology": UNLOCATED}).astype({"atlas_id": np.int64}))


def _read_sites(probe: str, n_channels: int, files: OpenFiles) -> _Sites:
    found: dict[str, npt.NDArray[np.float64]] = {}
    lengths: dict[str, int] = {}
    for source in ("channels", "electrodeSites"):  # the later one wins
        rows = files.rows[(files.rows["probe"] == probe) & files.rows["name"].str.startswith(source + ".")]
        arrays = {}
        for collection, name in zip(rows["collection"], rows["name"]):
            if files.has(collection, name):
                columns = {"localCoordinates": 2, "mlapdv": 3}.get(name.split(".")[1])
                array = files.optional(f"{probe} positions", files.array, collection, name, "fiu", columns)
                if array is not None:
                    arrays[name.split(".")[1]] = array
        if len({len(array) for array in arrays.values()}) > 1:
            shapes = ", ".join(f"{key} {len(array)}" for key, array in sorted(arrays.items()))
            path = f"{rows['collection'].iloc[0]}/{source}.*"
            files.note(f"{probe} positions", f"left out: {path}: numbers of channels disagree: {shapes}")
            arrays = {}
        if arrays:
            lengths[source] = len(next(iter(arrays.values())))
            sorted_on = lengths.get("channels", n_channels)
            if source == "electrodeSites" and lengths[source] != sorted_on:
                files.note(
                    probe,
                    f"electrodeSites has {lengths[source]} channels, the sorting {sorted_on}; "
                    "electrodeSites count alone, numbered by row",
                )
                found = {}
            found |= arrays
    count = lengths.get("electrodeSites", lengths.get("channels", n_channels))
    ids, mlapdv = found.get("brainLocationIds_ccf_2017"), found.get("mlapdv")
    if ids is None:
        files.note(probe, "no final brain location of the channels (alignment not resolved); unlocated")
        return _Sites(None, None, count)
    if mlapdv is None:
        files.note(probe, "brain location ids, but no mlapdv; coordinates are NaN")
    elif not np.isfinite(mlapdv).all():
        without = int((~np.isfinite(mlapdv).all(axis=1)).sum())
        files.note(probe, f"{without} of {len(mlapdv)} channels have coordinates (mlapdv) of NaN or infinity")
    nowhere = ~((np.abs(ids) < 2**53) & (ids == np.floor(ids)))  # NaN, infinite, or a fraction
    if nowhere.any():
        files.note(
            probe,
            f"{int(nowhere.sum())} of {len(ids)} channels have a brain location id that is no whole number; no region",
        )
    return _Sites(np.where(nowhere, 0, ids).astype(np.int64), mlapdv, count)


def _positions(probe: str, sites: _Sites, files: OpenFiles | None) -> pd.DataFrame:
    """Return one row of position columns per channel."""
    located = sites.ids is not None
    regions = regions_of_ids(np.zeros(sites.count, dtype=np.int64) if sites.ids is None else sites.ids)
    if files is not None and not regions["known"].all():
        unknown = sorted(set(regions.loc[~regions["known"], "atlas_id"].tolist()))
        files.note(probe, f"brain location ids unknown to iblatlas: {', '.join(map(str, unknown))}; no region name")
    if not located:
        regions[["acronym", "beryl", "cosmos"]] = None
    xyz = np.full((sites.count, 3), np.nan) if sites.mlapdv_um is None else sites.mlapdv_um * UM_TO_M
    ap, dv, ml = ccf_um_from_xyz_m(*xyz.T, outside="keep")
    return regions.drop(columns="known").assign(
        ccf_ap_um=ap,
        ccf_dv_um=dv,
        ccf_ml_um=ml,
        x_m=xyz[:, 0],
        y_m=xyz[:, 1],
        z_m=xyz[:, 2],
        histology=ALF if located else UNLOCATED,
    )
