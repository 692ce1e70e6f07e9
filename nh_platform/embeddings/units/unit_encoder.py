"""An encoder of units: its name, the columns that it makes, and the function that computes them.

Contains the record, and what an encoder is given. The platform's own encoders are `unit_features`, `waveform_features`
and `grating_responses`; an installed package brings one by an entry point of the group `ENTRY_POINTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Spikes
from nh_platform.session.columns import Column
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform.session.tables.embeddings import FEATURE

ENTRY_POINTS = "nh_platform.encoders"
"""Group of the entry points by which an installed package brings an encoder; each names a `UnitEncoder`."""


@dataclass(frozen=True)
class UnitActivity:
    """The activity of a session's units, with all that is invalid left out.

    Parameters
    ----------
    units
        (n_units,) rows with ``unit_id`` and ``probe``; of stored sessions with all columns of `RAW_UNITS`.
    spikes
        Spikes in the valid time of each unit's probe, in the order of ``units``.
    stretches
        (n, 2) start and stop in seconds of the valid time, by probe; an interval from one to the next is a gap of the
        recording.
    counts
        (n_units, n_bins) uint8 spikes in those bins that all probes recorded well, in order of time; without any bin
        where the session has no stored grid.
    bin_us
        Width of these bins in µs; 0 without a grid.
    waveforms
        Mean waveforms of the units; None where they are not made for the source.
    gratings
        Sweeps of drifting gratings that the units are described by, with ``start_time``, ``stop_time`` (s) and
        ``orientation`` (deg); None where the reference window is another.
    """

    units: pd.DataFrame
    spikes: Spikes
    stretches: dict[str, npt.NDArray[np.float64]]
    counts: npt.NDArray[np.uint8]
    bin_us: int
    waveforms: MeanWaveforms | None = None
    gratings: pd.DataFrame | None = None


@dataclass(frozen=True)
class UnitEncoder:
    """A fixed-length description of units.

    Parameters
    ----------
    name, version
        Lower-case words joined by hyphens; and what moves when a value changes. Both are part of the data version.
    columns
        Columns that are made, with unit of measure and meaning; float32 or float64, NaN where undefined.
    encode
        Returns (n_units, n_columns) numbers of a session.

    Raises
    ------
    ValueError
        If the name or a column is not as stated here.
    """

    name: str
    version: str
    columns: tuple[Column, ...]
    encode: Callable[[UnitActivity], npt.ArrayLike]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"encoder {self.name!r}: a name is lower-case words joined by hyphens")
        for column in self.columns:
            if not re.fullmatch(FEATURE.name, column.name) or column.dtype not in FEATURE.dtypes:
                raise ValueError(f"encoder {self.name}: column {column.name} of {column.dtype} is no feature")

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and those of its columns, which no other encoder may use."""
        return self.name, *(column.name for column in self.columns)
