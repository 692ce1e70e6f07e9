"""Settings of a source of Kilosort/phy folders, as ``sources.yaml`` states them.

Add a setting here when folders differ in one more way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from nh_platform.sources.own.declared import DeclaredSettings


class PhySettings(DeclaredSettings):
    """Where the folders are, and what they do not say themselves.

    Parameters
    ----------
    folders
        Folders of the sessions, with wildcards: ``/data/lab/*``. Each matching folder is a session, named as it is.
    sorting
        Which folders below it hold a sorting, with wildcards: ``*/kilosort4``. Each is a probe. Every folder with a
        ``spike_times.npy`` where not stated.
    sample_rate
        Samples per second of ``spike_times.npy``; that of ``params.py`` where not stated.
    volts_per_amplitude
        Factor from ``amplitudes.npy`` to volts; without it amplitudes are unknown, since a sorter's scale is its own.
    trials, presentations
        CSV files of the session folder: one trial, and one stimulus or other event, per row.
    start, stop, name
        Columns of these files: start and end of a row in seconds, and what a presentation is called.
    repeat
        Column of the trials that says which repeat of its condition a trial is; stored as ``repeat``.
    """

    folders: Path
    sorting: str = "**"
    sample_rate: Annotated[float, Field(gt=0)] | None = None
    volts_per_amplitude: Annotated[float, Field(gt=0)] | None = None
    trials: str = "trials.csv"
    presentations: str = "events.csv"
    start: str = "start_time"
    stop: str = "stop_time"
    name: str = "stimulus_name"
    repeat: str = "repeat"
