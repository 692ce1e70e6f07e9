"""Where the NWB standard keeps units, electrodes and intervals, as paths within the file.

Add here a path that sources of more than one data set read.
"""

from __future__ import annotations

UNITS = "units"
SPIKE_COLUMNS = frozenset({"spike_times", "spike_amplitudes", "waveform_mean"})
"""Columns of `UNITS` with more than one value per unit."""

EPHYS = "general/extracellular_ephys"
ELECTRODES = f"{EPHYS}/electrodes"
INTERVALS = "intervals"
