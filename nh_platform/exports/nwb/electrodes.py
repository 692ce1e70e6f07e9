"""Devices, electrode groups and electrodes: every channel of every probe, where it is on the shank and in the brain.

Add here what the file says of a channel. Coordinates are Allen CCF µm: x from anterior to posterior, y from dorsal to
ventral, z from left to right, which is how the standard orders them. z is what upstream states: that of Allen's own
sessions counts from right to left as in Allen's files, and the description of the column says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from hdmf.common import DynamicTable, ElementIdentifiers, VectorData
from pynwb import NWBFile
from pynwb.ecephys import ElectrodeGroup

from nh_platform.exports.nwb.columns import column, is_empty
from nh_platform.exports.source_names import is_allen
from nh_platform.reading import SessionView
from nh_platform.session.tables.units import CCF_ML_MEANING

NO_REGION = "root"
"""Written as location where a channel has no region of the CCF: outside of the brain, or not located. The standard's
inspector takes terms of the CCF alone; ``allen_location`` says what is known."""

_REGIONS = {"acronym": "allen_location", "beryl": "beryl_location", "cosmos": "cosmos_location"}

_WORDS = {
    "allen_location": "Allen CCF acronym; N/A where the channel is not located",
    "beryl_location": "Region in IBL's Beryl parcellation",
    "cosmos_location": "Region in IBL's Cosmos parcellation",
    "x": "Allen CCF, anterior to posterior [um]; NaN where not located",
    "y": "Allen CCF, dorsal to ventral [um]",
    "z": f"{CCF_ML_MEANING} [um]",
    "rel_x": "Position across the shank [um]",
    "rel_y": "Position along the shank, from the tip [um]",
    "probe_horizontal_position": "Position across the shank [um]",
    "probe_vertical_position": "Position along the shank, from the tip [um]",
    "probe_channel_number": "Row of the channel on its probe",
    "probe_id": "Id of the probe insertion",
    "atlas_id": "Allen CCF 2017 structure id; 0 where outside of the brain or not located",
    "histology": "Where the position comes from: alf, allen, lab, or unlocated",
    "x_m": "IBL's position from bregma, positive on the right of the animal [m]",
    "y_m": "IBL's position from bregma, anterior positive [m]",
    "z_m": "IBL's position from bregma, dorsal positive [m]",
}


@dataclass(frozen=True)
class Electrodes:
    """The electrodes of a file, and how channels of ours find their row.

    Parameters
    ----------
    table
        The table in the file; None where the session has no channels.
    ids
        (n_electrodes,) int64, id of every row.
    groups
        Electrode group of every probe.
    rows
        Row by probe and channel.
    """

    table: DynamicTable | None
    ids: npt.NDArray[np.int64]
    groups: dict[str, ElectrodeGroup]
    rows: pd.Series

    def find(self, probes: npt.NDArray[np.object_], channels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the row of each channel (n,), −1 where there is none."""
        keys = pd.MultiIndex.from_arrays([probes, channels])
        return self.rows.reindex(keys).fillna(-1).to_numpy(np.int64)


def add_electrodes(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> Electrodes:
    """Add a device and a group per probe, and one electrode per channel.

    Parameters
    ----------
    nwbfile
        Takes them.
    session
        The session.
    notes
        Takes what is missing.
    """
    channels, probes = session.channels, session.probes
    groups = {str(row["probe"]): _group(nwbfile, row, channels) for row in probes.to_dict("records")}
    channels = channels[channels["probe"].isin(groups)].reset_index(drop=True)
    rows = pd.Series(np.arange(len(channels)), index=pd.MultiIndex.from_frame(channels[["probe", "channel"]]))
    if channels.empty:
        notes.append("electrodes: the session states no channels; units name none")
        return Electrodes(None, np.zeros(0, np.int64), groups, rows)
    if "acronym" not in channels or is_empty(channels["acronym"]):
        notes.append(f"electrodes: no channel has a region; their location is written as {NO_REGION}")
    ids = _ids(channels, session.source)
    table = DynamicTable(
        name="electrodes",
        description="Channels of the probes. x, y, z are Allen CCF micrometres.",
        columns=_columns(channels, probes, groups, session.source),
        id=ElementIdentifiers(name="id", data=ids),
    )
    nwbfile.electrodes = table
    return Electrodes(table, ids, groups, rows)


def _group(nwbfile: NWBFile, probe: dict[str, object], channels: pd.DataFrame) -> ElectrodeGroup:
    name, rate = str(probe["probe"]), float(probe["sampling_rate"] or np.nan)  # type: ignore[arg-type]
    said = f"Neuropixels probe {name}" + ("" if np.isnan(rate) else f", sampled at {rate:.6f} Hz")
    insertion = str(probe["insertion_id"] or "")
    said += f", insertion {insertion}" if insertion else ""
    written = re.sub(r"[/:]", "_", name)
    device = nwbfile.create_device(name=written, description=said, manufacturer="imec")
    found = channels[channels["probe"] == name]
    regions = sorted({one for one in found.get("acronym", []) if isinstance(one, str)})
    where = ", ".join(regions) or "not located"
    return nwbfile.create_electrode_group(name=written, description=said, location=where, device=device)


def _ids(channels: pd.DataFrame, source: str) -> npt.NDArray[np.int64]:
    """Return Allen's channel ids, which units name; rows where upstream's numbers are of one probe only."""
    upstream = channels["upstream_id"].to_numpy(np.int64)
    unique = len(np.unique(upstream)) == len(upstream) and (upstream >= 0).all()
    return upstream if is_allen(source) and unique else np.arange(len(channels))


def _columns(
    channels: pd.DataFrame, probes: pd.DataFrame, groups: dict[str, ElectrodeGroup], source: str
) -> list[VectorData]:
    names, nowhere = channels["probe"].to_numpy(dtype=object), np.full(len(channels), np.nan)
    place = {"x": "ccf_ap_um", "y": "ccf_dv_um", "z": "ccf_ml_um", "rel_x": "lateral_um", "rel_y": "axial_um"}
    written: dict[str, object] = {
        ours: channels[stored].to_numpy(np.float64) if stored in channels else nowhere for ours, stored in place.items()
    }
    acronyms = channels["acronym"] if "acronym" in channels else pd.Series([None] * len(channels), dtype=object)
    written["location"] = np.array([ccf_term(one) for one in acronyms], dtype=object)
    written |= {name: channels[stored] for stored, name in _REGIONS.items() if stored in channels}
    written["probe_channel_number"] = channels["channel"].to_numpy(np.int64)
    if is_allen(source):  # the names of Allen's files beside those of the standard
        written["probe_horizontal_position"] = written["rel_x"]
        written["probe_vertical_position"] = written["rel_y"]
    insertion = dict(zip(probes["probe"], probes["insertion_id"]))
    written["probe_id"] = np.array([insertion[name] for name in names], dtype=object)
    written |= {name: channels[name] for name in ("atlas_id", "histology", "x_m", "y_m", "z_m") if name in channels}
    required = [
        VectorData(
            name="location",
            description=f"Allen CCF acronym; {NO_REGION} where the channel is outside of the brain or not located",
            data=list(written.pop("location")),  # type: ignore[call-overload]
        ),
        VectorData(name="group", description="Electrode group of the probe", data=[groups[name] for name in names]),
        VectorData(name="group_name", description="Name of the electrode group", data=[str(name) for name in names]),
    ]
    rest = [column(name, values, _WORDS[name]) for name, values in written.items() if not is_empty(values)]  # type: ignore[arg-type]
    return [*required, *rest]


def ccf_term(acronym: object) -> str:
    """Return an acronym as the Allen CCF spells it; `NO_REGION` where it is none.

    iblatlas 1.3.0 writes ``CUL4 5`` and ``Mmme`` where the ontology has ``CUL4, 5`` and ``MMme``.
    """
    if not isinstance(acronym, str) or acronym in ("", "void", "unlocated", "None"):
        return NO_REGION
    if acronym.startswith("CUL4 5"):
        return acronym.replace("CUL4 5", "CUL4, 5")
    if acronym in ("Mmd", "Mml", "Mmm", "Mmme", "Mmp"):
        return f"MM{acronym[2:]}"
    return acronym
