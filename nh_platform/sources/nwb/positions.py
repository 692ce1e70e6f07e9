"""Where the channels and units of a session in an NWB file lie in the brain.

Contains the choice between channels.csv and the NWB file, what counts as unregistered, and the position tables. Add a
further source of positions here. Region names and the
change of coordinates are `nh_platform.sources.anatomy`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.session import Note
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNIT_POSITIONS
from nh_platform.sources.anatomy.coordinates import mirrored_ml_um, xyz_m_from_ccf_um
from nh_platform.sources.anatomy.regions import regions_of_acronyms
from nh_platform.sources.entry import MlTowards

UNREGISTERED_UM = -1000.0
"""Stands on every axis of a Visual Coding channel without registration; Visual Behavior uses 0 on every axis."""

UNLOCATED, UNLOCATED_ID = "unlocated", 0
"""``histology`` and ``atlas_id`` of what has no position."""

CSV_COLUMNS = {
    "anterior_posterior_ccf_coordinate": "ap",
    "dorsal_ventral_ccf_coordinate": "dv",
    "left_right_ccf_coordinate": "ml",
    "ecephys_structure_acronym": "acronym",
}
_POSITION_NAMES = [name for name in UNIT_POSITIONS.names if name != "unit_id"]


def locate_channels(
    channels: pd.DataFrame, csv_channels: pd.DataFrame | None, ml_towards: MlTowards = "right"
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the position of every channel (schema `CHANNEL_POSITIONS`), in the order of ``channels``.

    channels.csv of the warehouse is used where it lists the session, because the electrodes table of the released
    files repeats DV in the place of ML (AllenSDK issues 1796 and 2776). Without channels.csv the electrodes table is
    used; where its y and z are equal on every located channel, ML and the IBL coordinate that follows from it are NaN.

    Parameters
    ----------
    channels
        The table of `nh_platform.sources.allen.nwb.electrodes.read_channels`.
    csv_channels
        Rows of channels.csv with its column names and ``id``, or None where there is none.
    ml_towards
        As of `position_table`.
    """
    notes: list[Note] = []
    stated = None if csv_channels is None else csv_channels.set_index("id").reindex(channels["channel_id"])
    if stated is not None and csv_channels is not None and channels["channel_id"].isin(csv_channels["id"]).all():
        place = stated[list(CSV_COLUMNS)].rename(columns=CSV_COLUMNS).reset_index(drop=True)
        located = is_registered(place)
    else:
        if csv_channels is not None:
            notes.append(Note("channels.csv", "does not list every channel of this session; electrodes table used"))
        place = channels[["x", "y", "z", "location"]].set_axis(["ap", "dv", "ml", "acronym"], axis=1)
        located = is_registered(place)
        if located.any() and (place.loc[located, "dv"] == place.loc[located, "ml"]).all():
            place = place.assign(ml=np.nan)
            notes.append(
                Note(
                    "channel positions",
                    "the electrodes table repeats DV in the place of ML; ML is NaN (put channels.csv into the folder)",
                )
            )
    if not located.all():
        notes.append(
            Note("channel positions", f"{int((~located).sum())} of {len(located)} channels are not registered")
        )
    table, unknown = position_table(channels, place, located, "allen", ml_towards)
    return table, [*notes, *unknown]


def position_table(
    channels: pd.DataFrame,
    place: pd.DataFrame,
    located: pd.Series,
    histology: str,
    ml_towards: MlTowards = "right",
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the positions of channels (schema `CHANNEL_POSITIONS`) from CCF µm and acronyms, and what to note.

    Parameters
    ----------
    channels
        ``probe`` and ``channel`` of each.
    place
        ``ap``, ``dv``, ``ml`` (CCF µm) and ``acronym`` of each.
    located
        Which of them have a position.
    histology
        Where the positions come from.
    ml_towards
        Side of the animal to which ``ml`` grows. ``ccf_ml_um`` is ``ml`` as stated; ``x_m`` is positive on the right
        of the animal whatever that is.
    """
    notes = []
    regions = regions_of_acronyms(place["acronym"])
    unknown = sorted(regions.loc[~regions["known"], "acronym"].unique())
    if unknown:
        notes.append(Note("channel positions", f"structures that iblatlas does not know: {', '.join(unknown)}"))
    ap, dv, ml = (place[axis].astype(np.float64).where(located).to_numpy() for axis in ("ap", "dv", "ml"))
    to_right = ml if ml_towards == "right" else mirrored_ml_um(ml)
    x_m, y_m, z_m = xyz_m_from_ccf_um(ap, dv, to_right, outside="keep")
    table = pd.DataFrame(
        {
            "probe": channels["probe"].to_numpy(),
            "channel": channels["channel"].to_numpy(),
            **{name: regions[name].to_numpy() for name in ("atlas_id", "acronym", "beryl", "cosmos")},
            "ccf_ap_um": ap,
            "ccf_dv_um": dv,
            "ccf_ml_um": ml,
            "x_m": x_m,
            "y_m": y_m,
            "z_m": z_m,
            "histology": np.where(located, histology, UNLOCATED).astype(object),
        }
    )
    return CHANNEL_POSITIONS.conform(table), notes


def locate_units(units: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    """Return the position of every unit's peak channel (schema `UNIT_POSITIONS`), in the order of ``units``.

    Parameters
    ----------
    units
        Schema `RAW_UNITS`.
    positions
        Schema `CHANNEL_POSITIONS`; a unit whose channel is not among them is unlocated.
    """
    keys = pd.MultiIndex.from_frame(units[["probe", "channel"]])
    at_peak = positions.set_index(["probe", "channel"]).reindex(keys)[_POSITION_NAMES].reset_index(drop=True)
    at_peak["atlas_id"] = at_peak["atlas_id"].fillna(UNLOCATED_ID).astype(np.int64)
    at_peak["histology"] = at_peak["histology"].fillna(UNLOCATED)
    at_peak.insert(0, "unit_id", units["unit_id"].to_numpy())
    return UNIT_POSITIONS.conform(at_peak)


def is_registered(place: pd.DataFrame) -> pd.Series:
    """Return whether each channel has a position: finite on every axis, and neither −1000 nor 0 on all of them."""
    axes = place[["ap", "dv", "ml"]].astype(np.float64)
    stand_in = (axes == UNREGISTERED_UM).all(axis=1) | (axes == 0).all(axis=1)
    return axes.notna().all(axis=1) & ~stand_in
