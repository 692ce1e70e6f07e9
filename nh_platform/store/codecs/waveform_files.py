"""The files of `mean_waveforms`: an array of volts with its channels ↔ HDF5, and one row per unit as Parquet.

Add here what else is stored of waveforms. What they are is `nh_platform.session.mean_waveforms`.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms
from nh_platform.session.tables.waveforms import WAVEFORM_UNITS
from nh_platform.store.codecs.hdf5 import create_dataset, create_file, open_file, read_notes, write_notes
from nh_platform.store.codecs.parquet import read_table, write_table

WAVEFORMS_FILE, UNITS_FILE = "mean_waveforms.h5", "waveform_units.parquet"


def waveform_table(waves: MeanWaveforms) -> pd.DataFrame:
    """Return one row per unit, schema `WAVEFORM_UNITS`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # units without a waveform are all NaN
        spread = np.nanmax(waves.values, axis=2, initial=-np.inf) - np.nanmin(waves.values, axis=2, initial=np.inf)
        peak_to_peak = np.max(np.where(np.isfinite(spread), spread, -1.0), axis=1, initial=-1.0).astype(np.float64)
    table = pd.DataFrame(
        {
            "unit_id": list(waves.unit_ids),
            "peak_channel": waves.peaks,
            "n_channels": (waves.channels != BEYOND_PROBE).sum(axis=1),
            "sampling_rate": waves.sampling_rates,
            "peak_to_peak": np.where(peak_to_peak < 0, np.nan, peak_to_peak),
        }
    )
    return WAVEFORM_UNITS.conform(table)


def write_waveforms(folder: Path, waves: MeanWaveforms) -> None:
    """Write `mean_waveforms` of one session into ``folder``."""
    with create_file(folder / WAVEFORMS_FILE) as handle:
        write_notes(handle, waves.notes)
        create_dataset(handle, "values", waves.values, unit="V", meaning="Mean waveforms, unit × channel × sample")
        create_dataset(
            handle, "channels", waves.channels, unit="1", meaning="Channel of each row on the probe; -1: none"
        )
    write_table(folder / UNITS_FILE, waveform_table(waves), WAVEFORM_UNITS)


def read_waveforms(folder: Path, rows: npt.NDArray[np.integer] | None = None) -> MeanWaveforms:
    """Read the waveforms of all units, or of some ``rows`` of `WAVEFORM_UNITS` in that order."""
    table = read_table(folder / UNITS_FILE)
    wanted = np.arange(len(table)) if rows is None else np.asarray(rows, dtype=np.int64)
    chosen = table.iloc[wanted]
    with open_file(folder / WAVEFORMS_FILE) as handle:
        parts = {name: handle[name] for name in ("values", "channels")}
        # HDF5 takes ascending rows once each; what was asked for may be neither.
        ascending, place = np.unique(wanted, return_inverse=True)
        values, channels = (part[ascending][place] if len(wanted) else part[:0] for part in parts.values())
        notes = read_notes(handle)
    return MeanWaveforms(
        unit_ids=tuple(chosen["unit_id"]),
        values=values,
        channels=channels,
        peaks=chosen["peak_channel"].to_numpy(),
        sampling_rates=chosen["sampling_rate"].to_numpy(),
        notes=notes,
    )
