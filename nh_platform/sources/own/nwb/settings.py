"""Settings of a source of NWB files, as ``sources.yaml`` states them.

Add a setting here when files of the standard differ in one more way. A file that follows the standard needs the path
alone; what a name means is said by the module that reads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from nh_platform.sources.entry import MlTowards
from nh_platform.sources.own.declared import DeclaredSettings

VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6}


class NwbSettings(DeclaredSettings):
    """Where NWB files are, and the names in them that the standard leaves to the lab.

    Parameters
    ----------
    files
        Path with wildcards, for example ``/data/lab/*.nwb``; ``**`` stands for any folders.
    session_id
        ``name``: the file's name without its ending. ``identifier``: what the file states as its identifier.
    probe, region
        Columns of the electrodes table: of which probe a channel is, and its Allen acronym.
    lateral, axial
        Columns of the electrodes table: position on the shank in µm, axial from the tip.
    ccf
        Whether x, y, z of the electrodes are Allen CCF µm in the order AP, DV, ML.
    ml_towards
        Side of the animal to which z grows; to the right by the standard, to the left in Allen's own files.
    peak_channel
        Column of the units table with the id of each unit's peak channel. Otherwise the electrode with the largest
        mean waveform, or the first of the unit's electrodes.
    metrics
        Columns of the units table that are quality metrics or labels; every column with one number or text per unit
        where not stated.
    amplitudes, amplitude_unit
        Ragged column of the units table with one amplitude per spike, and its unit of measure.
    trials
        Table of ``/intervals`` that holds the trials.
    presentations
        Tables of ``/intervals`` that hold stimulus presentations; all but trials, epochs and invalid_times where not
        stated.
    signals
        Time series by the name that they get: ``running_speed: processing/behavior/running_speed``.
    """

    files: Path
    session_id: Literal["name", "identifier"] = "name"
    probe: str = "group_name"
    region: str = "location"
    lateral: str | None = None
    axial: str | None = None
    ccf: bool = False
    ml_towards: MlTowards = "right"
    peak_channel: str | None = None
    metrics: tuple[str, ...] | None = None
    amplitudes: str = "spike_amplitudes"
    amplitude_unit: Literal["V", "mV", "uV"] = "V"
    trials: str = "trials"
    presentations: tuple[str, ...] | None = None
    signals: dict[str, str] = Field(default_factory=dict)

    @field_validator("files")
    @classmethod
    def _names_files(cls, value: Path) -> Path:
        if not value.suffix:
            raise ValueError(f"{str(value)!r} names no files: write for example {str(value / '*.nwb')!r}")
        return value
