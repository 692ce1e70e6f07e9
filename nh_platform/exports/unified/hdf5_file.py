"""Layout ``hdf5``: spikes by time, units, behaviour on one clock and trials of a session in one HDF5 file.

Contains the writing of the file. No filter but gzip is used, so that every HDF5 reader opens it. Add a data set here;
those that the layout must have are `REQUIRED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.layout import Layout, Request, check_choice
from nh_platform.exports.plain.session_content import ALSO, SessionContent, session_content
from nh_platform.exports.unified.behavior_grid import GRID_HZ, behavior_grid, check_rate
from nh_platform.exports.unified.stimulus_ids import NumberedTrials, numbered_trials
from nh_platform.reading import SessionView
from nh_platform.session.tables.signal_units import column_units
from nh_platform.session.tables.units import UNIT_INVALID_TIMES
from nh_platform.store.codecs.hdf5 import CHUNK_BYTES, create_file

REQUIRED = (
    "spikes/times",
    "spikes/unit_ids",
    "units/unit_ids",
    "units/quality_labels",
    "behavior/timestamps",
    "behavior/values",
)
COMPRESSIONS = ("gzip", "none")
GZIP_LEVEL = 4
LABELS = ("released.label", "released.quality", "released.group", "released.KSLabel")
"""Columns in which releases and sorters state the quality of a unit, the first that there is."""

_UNIT_COLUMNS = {
    "probe": ("probe", "Probe name within the session"),
    "depth": ("depths", "Depth of the unit from the probe tip"),
    "n_spikes": ("n_spikes", "Spikes of the unit in the session"),
    "region": ("regions", "Region: Beryl acronym, the Allen one where there is none; empty where not known"),
    "acronym": ("allen_regions", "Allen structure acronym; empty where not known"),
    "cosmos": ("cosmos_regions", "Region in the Cosmos parcellation; empty where not known"),
    "label": ("label", "Share of the rules of the attribute rulebook that the unit passes; 1 is a good unit"),
    "good": ("good", "1 where the unit passes the attribute rulebook, reviews included, else 0"),
}
_TRIAL_COLUMNS = {
    "start_time": ("start_times", "Start of the trial; the onset of the stimulus is stimulus_onset"),
    "stop_time": ("stop_times", "End of the trial; NaN where not known"),
    "stimulus_onset": ("stimulus_onset", "Onset of the stimulus; NaN without one"),
    "response_time": ("response_time", "Response of the animal; NaN without one"),
    "reward_time": ("reward_time", "Reward; NaN without one"),
    "correct": ("correct", "1 where the response was right, 0 where wrong, NaN without a choice"),
    "choice": ("choice", "+1 wheel clockwise (correct for left), -1 counter-clockwise, 0 no-go"),
    "signed_contrast": ("signed_contrast", "Contrast, negative on the left; 0 of both sides is 0"),
}
_UNITS_OF = {"depth": "um", "correct": "1", "choice": "1", "signed_contrast": "1", "label": "1", "n_spikes": "1"}


def write(session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
    """Write a session; the same data give the same bytes."""
    compression, rate = request.options["compression"], float(request.options["grid_hz"])
    stimulus = str(request.options["stimulus"])
    trials = numbered_trials(session, stimulus) if "events" in session.assets or stimulus else None
    content = session_content(session, request.rows, request.origin.rulebook)
    grid = behavior_grid(session, content.signals, rate)
    notes = (*content.left_out, *grid.left_out)
    if trials is not None and trials.stimulus is None:
        notes = (*notes, "it has no trials/stimulus_ids: its trials name no stimulus")
    with create_file(path) as handle:
        out = _File(handle, compression)
        _write_units(out, content, session.units["unit_id"], request.rows)
        _write_valid_time(out, content)
        out.put("behavior/timestamps", grid.times, "s", f"Times of behavior/values, {rate:g} a second")
        out.put(
            "behavior/values", grid.values, "see names, units", "One column per signal; NaN where there are no data"
        )
        handle["behavior/values"].attrs["names"] = list(grid.names)
        handle["behavior/values"].attrs["units"] = list(grid.units)
        for name, signal in content.signals.items():
            at = f"behavior/signals/{name}"
            out.put(f"{at}/timestamps", signal.timestamps, "s", f"Times of the samples of {name}")
            out.put(f"{at}/values", signal.values, signal.unit, f"{name} as it was sampled")
            out.say(f"{at}/values", {"names": list(signal.columns), "units": list(column_units(signal))})
        if trials is not None:
            _write_trials(out, trials)
        stated = {
            **request.origin.to_texts(),
            "layout": f"{LAYOUT.name} {LAYOUT.version}",
            "left_out": "\n".join(notes),
        }
        for name, text in stated.items():
            handle.attrs[name] = text
    return notes


def settle(options: Mapping[str, Any], home: Path) -> Mapping[str, Any]:
    """Return the options as they were given.

    Raises
    ------
    ConfigError
        If the file cannot be packed so, or the clock of behaviour has no such rate.
    """
    check_choice("compression", options["compression"], COMPRESSIONS)
    check_rate(float(options["grid_hz"]))
    return options


class _File:
    """An HDF5 file in which every data set says its unit of measure and meaning."""

    def __init__(self, handle: Any, compression: str) -> None:
        self._handle = handle
        self._packed = compression == "gzip"

    def put(self, name: str, values: npt.NDArray[Any], unit: str, meaning: str) -> None:
        """Write an array; texts are of fixed length, ASCII or UTF-8, padded with zeros."""
        import h5py

        array, kind = np.ascontiguousarray(values), None
        if array.dtype.kind in "OU":
            encoded = [str(one).encode() for one in array]
            width = max([1, *map(len, encoded)])
            is_ascii = all(one.isascii() for one in encoded)
            kind = h5py.string_dtype("ascii" if is_ascii else "utf-8", width)
            array = np.array(encoded, dtype=kind)  # HDF5 converts no ASCII into UTF-8
        options: dict[str, Any] = {}
        if self._packed and array.size:
            row = max(array.itemsize * int(np.prod(array.shape[1:])), 1)
            chunks = (min(len(array), max(CHUNK_BYTES // row, 1)), *array.shape[1:])
            options = {"compression": "gzip", "compression_opts": GZIP_LEVEL, "shuffle": True, "chunks": chunks}
        made = self._handle.create_dataset(name, data=array, dtype=kind, track_times=False, **options)
        made.attrs["unit"] = unit
        made.attrs["meaning"] = meaning

    def say(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Set attributes of a data set or group."""
        self._handle[name].attrs.update(attributes)


def _write_units(out: _File, content: SessionContent, every_id: pd.Series, rows: npt.NDArray[np.int64]) -> None:
    from nh_platform.windows.time_order import ordered_spikes

    units = content.tables[0].frame
    numbers, words = unit_numbers(every_id)
    numbers = numbers[rows]
    times, unit_row, _, _ = ordered_spikes(content.spikes)
    out.put("spikes/times", times, "s", "Spike times on the session clock, ascending; of all units")
    out.put("spikes/unit_ids", numbers[unit_row], "-", "Unit of each spike, one of units/unit_ids")
    out.put("units/unit_ids", numbers, "-", words)
    out.put("units/uuids", units["unit_id"].to_numpy(), "-", "Id of the unit as upstream has it, as text")
    column = next((name for name in LABELS if name in units), "")
    stated = next((one for one in content.tables[0].columns if one.name == column), None)
    labels = _column(units[column]) if column else np.full(len(units), np.nan)
    meaning = stated.meaning if stated else "The release states no label; label and good are those of the rulebook"
    out.put("units/quality_labels", labels, stated.unit if stated else "-", meaning)
    out.say("units/quality_labels", {"column": column})
    for name, (target, meaning) in _UNIT_COLUMNS.items():
        if name in units:
            out.put(f"units/{target}", _column(units[name]), _UNITS_OF.get(name, "-"), meaning)


def _write_valid_time(out: _File, content: SessionContent) -> None:
    """Write from when to when spikes of a probe are valid, and where those of single units are not; all are there."""
    valid = content.table("valid_time")
    if valid is not None:
        for column in valid.columns:
            name = column.name if column.name == "probe" else f"{column.name}s"
            out.put(f"valid_time/{name}", _column(valid.frame[column.name]), column.unit, column.meaning)
    own = content.table(UNIT_INVALID_TIMES.name)
    if own is not None:
        for column in own.columns:
            target = "uuids" if column.name == "unit_id" else f"{column.name}s"
            out.put(f"{own.name}/{target}", _column(own.frame[column.name]), column.unit, column.meaning)


def _write_trials(out: _File, trials: NumberedTrials) -> None:
    for name, (target, meaning) in _TRIAL_COLUMNS.items():
        if name in trials.table:
            out.put(f"trials/{target}", _column(trials.table[name]), _UNITS_OF.get(name, "s"), meaning)
    if trials.stimulus is not None:
        out.put("trials/stimulus_ids", trials.stimulus, "-", f"{trials.words}; -1 without a stimulus")
        if trials.names:
            out.put("stimuli/names", np.array(trials.names), "-", "What each number of trials/stimulus_ids stands for")


def unit_numbers(ids: pd.Series) -> tuple[npt.NDArray[np.int64], str]:
    """Return (n_units,) int64 numbers of the units of a session, and in words what they are.

    Upstream's ids where all are whole numbers, as Allen's; else the row of the unit among all units of the session,
    which does not move with the units that are chosen.

    Examples
    --------
    >>> unit_numbers(pd.Series(["950911932", "950911986"]))[0].tolist()
    [950911932, 950911986]
    >>> unit_numbers(pd.Series(["0b5f", "17"]))[0].tolist()
    [0, 1]
    """
    texts = [str(one) for one in ids]
    if all(one.isdecimal() and str(int(one)) == one and len(one) < 19 for one in texts):
        return np.array([int(one) for one in texts], dtype=np.int64), "Ids of the units as upstream has them"
    meaning = "Row of the unit among all units of the session; upstream's id is in units/uuids"
    return np.arange(len(texts), dtype=np.int64), meaning


def _column(series: pd.Series) -> npt.NDArray[Any]:
    """Return a column as HDF5 holds it: texts with an empty one for none, 0 and 1 for no and yes."""
    if series.dtype == bool:
        return series.to_numpy().astype(np.uint8)
    if series.dtype == object or isinstance(series.dtype, pd.StringDtype):
        return np.array(["" if pd.isna(value) else str(value) for value in series], dtype=np.str_)
    return series.to_numpy()


LAYOUT = Layout(
    "hdf5",
    "3",
    ("raw_spikes", "units"),
    lambda session: f"{session.source}/{session.session_id}.h5",
    write,
    also=ALSO,
    options={"compression": "gzip", "grid_hz": GRID_HZ, "stimulus": ""},
    settle=settle,
)
