"""Spikes, units and probes of a recording.

Contains the time-ordered spikes and the table of units with regions, label and verdicts. Add a column of units here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.layout import judged_units
from nh_platform.exports.torch_brain.benchmark import hidden_units
from nh_platform.exports.torch_brain.objects import Group, array_dict, irregular
from nh_platform.exports.torch_brain.text import as_text
from nh_platform.session import Spikes
from nh_platform.session.display import counted
from nh_platform.session.recorded_time import spikes_of_recording
from nh_platform.session.tables.events import TRIALS

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

IntArray = npt.NDArray[np.int64]

_REGIONS = {"region_allen": "acronym", "region_beryl": "beryl", "region_cosmos": "cosmos"}
_NUMBERS = {"depths": "depth", "amplitude": "amplitude", "peak_to_trough": "peak_to_trough", "cluster_id": "cluster_id"}
_POSITIONS = {"location": ("x_m", "y_m", "z_m"), "ccf_um": ("ccf_ap_um", "ccf_dv_um", "ccf_ml_um")}


def spike_group(session: SessionView, rows: IntArray, index_dtype: str) -> tuple[Group, list[str]]:
    """Return the spikes of the chosen units in the order of time, and what is left out.

    Spikes outside of the recorded time of the session are left out: a lazy reader would drop them, an eager one not.
    Those in invalid time are kept; ``domain`` and ``invalid_times`` say where that is.

    Parameters
    ----------
    session
        The session.
    rows
        (n,) rows of its units, ascending.
    index_dtype
        ``int64``, or ``int32``, of which `unit_index` is.
    """
    from nh_platform.windows.time_order import ordered_spikes

    recorded = session.spikes.recorded_time
    chosen, notes = spikes_of_recording(session.spikes).take(rows), []
    if n_outside := int(session.spikes.counts[rows].sum()) - len(chosen.times):
        found = f"{counted(n_outside, 'spike')} outside of the recorded time"
        notes.append(f"{found}, {recorded.start:.3f} to {recorded.stop:.3f} s")
    times, unit_row, _, _ = ordered_spikes(chosen)
    arrays: dict[str, npt.NDArray[Any]] = {"unit_index": unit_row.astype(index_dtype)}
    arrays |= _in_time_order(chosen, unit_row, notes)
    return irregular(times, np.array([[recorded.start, recorded.stop]]), arrays), notes


def _in_time_order(spikes: Spikes, unit_row: npt.NDArray[np.unsignedinteger], notes: list[str]) -> dict[str, Any]:
    """Return amplitudes (V) and depths (µm), which are stored by unit, in the order of time; not those without a value.

    Spikes of a unit come in the same order in both: the sorted rows of units are the places of the spikes by unit.
    """
    places = np.argsort(unit_row, kind="stable")  # of uint16 by radix, 0.2 s for 11.5 M
    found = {}
    for name, values in (("amplitude", spikes.amplitudes), ("depth", spikes.depths)):
        if len(values) and np.isnan(values).all():
            notes.append(f"{name} of the spikes: upstream has none")
            continue
        ordered = np.empty_like(values)
        ordered[places] = values
        found[name] = ordered
    return found


def unit_group(session: SessionView, rows: IntArray, rulebook: str) -> tuple[Group, list[str]]:
    """Return one row per chosen unit, and what is left out: ids, probe, place, label, and the verdict of every rule.

    ``label`` and ``good`` are by the rulebook that the file states.
    """
    units = judged_units(session, rows, rulebook)
    probe_ids = _probe_ids(session)
    arrays: dict[str, npt.NDArray[Any]] = {
        "id": as_text(units["unit_id"]),
        "probe_id": as_text(units["probe"].map(probe_ids)),
        "probe": as_text(units["probe"]),
    }
    arrays |= {name: as_text(units[column]) for name, column in _REGIONS.items()}
    arrays |= {name: units[column].to_numpy() for name, column in _NUMBERS.items()}
    arrays["firing_rate"] = _firing_rate(units)
    if "label" in units:
        arrays |= {"label": units["label"].to_numpy(np.float64), "good": units["good"].to_numpy(bool)}
    arrays |= _verdicts(units)
    notes: list[str] = []
    if TRIALS.name in session.events:
        hidden, notes = hidden_units(session, rows)
        arrays |= hidden
    arrays["review"] = as_text(units["review"])
    for name, columns in _POSITIONS.items():
        place = units[list(columns)].to_numpy(np.float64)
        if np.isfinite(place).any():
            arrays[name] = place
    if not any(name in arrays for name in _POSITIONS):
        notes.append("positions of the units: none is known")
    if "mean_waveforms" in session.assets:
        waveforms = session.mean_waveforms(units["unit_id"].tolist())
        arrays |= {"wf_template": waveforms.values, "wf_channels": waveforms.channels}
    return array_dict(arrays), notes


def probe_group(session: SessionView) -> Group:
    """Return one row per probe of the session, in the order of its units."""
    probes = session.probes
    ids = _probe_ids(session)
    return array_dict(
        {
            "id": as_text(probes["probe"].map(ids)),
            "name": as_text(probes["probe"]),
            "sorter": as_text(probes["sorter"]),
            "collection": as_text(probes["collection"]),
            "revision": as_text(probes["revision"]),
            "sampling_rate": probes["sampling_rate"].to_numpy(np.float64),
        }
    )


def _probe_ids(session: SessionView) -> dict[str, str]:
    """Return the insertion id by name of the probe; its name where upstream states none."""
    probes = session.probes
    return {
        str(name): str(name if pd.isna(insertion) else insertion)
        for name, insertion in zip(probes["probe"], probes["insertion_id"])
    }


def _firing_rate(units: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the released rate (Hz) of each unit, or where there is none the recomputed one."""
    names = [name for name in units if re.fullmatch(r"released\.firing_rate|[a-z]+\.firing_rate@.+", str(name))]
    rate = np.full(len(units), np.nan)
    for name in sorted(names, key=lambda one: not str(one).startswith("released.")):
        rate = np.where(np.isnan(rate), units[name].to_numpy(np.float64), rate)
    return rate


def _verdicts(units: pd.DataFrame) -> dict[str, npt.NDArray[np.bool_]]:
    """Return ``pass_<rulebook>``, reviews included, and ``rule_<rulebook>_<rule>``; ``-`` and ``.`` are ``_`` there."""
    found = {}
    for column in map(str, units.columns):
        kind, _, name = column.partition(".")
        if kind in ("pass", "rule"):
            found[f"{kind}_{re.sub(r'[^A-Za-z0-9]', '_', name)}"] = units[column].to_numpy(bool)
    return found
