"""Windows: which stretches of a session are cut out, and the spike counts in their bins.

Presets are reviewed text (`presets/shipped/`); `build_windows` lays a session out, `write_windows` stores it. Add here
what cuts a session; what bins it belongs to `counts`. Splits, normalisation and the choice of units are joined when
windows are read, not stored here.
"""

from nh_platform.windows.counts.binning import EventCounts, Grid, bin_events, bin_session
from nh_platform.windows.presets.preset_files import load_preset, load_presets, preset_ids
from nh_platform.windows.presets.preset_model import AlignedPreset, ContinuousPreset, Preset
from nh_platform.windows.psth import Psth, psth
from nh_platform.windows.session_windows import Windows, build_windows
from nh_platform.windows.window_files import StoredWindows, write_windows

__all__ = [
    "AlignedPreset",
    "ContinuousPreset",
    "EventCounts",
    "Grid",
    "Preset",
    "Psth",
    "StoredWindows",
    "Windows",
    "bin_events",
    "bin_session",
    "build_windows",
    "load_preset",
    "load_presets",
    "preset_ids",
    "psth",
    "write_windows",
]
