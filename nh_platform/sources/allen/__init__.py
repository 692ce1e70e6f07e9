"""Allen Institute releases: Visual Coding Neuropixels and Visual Behavior Neuropixels.

One folder per family of formats. Add a module for a table of the NWB file, or a source beside `visual_coding` and
`visual_behavior`. Only `sdk` imports allensdk, and nothing here imports Dagster.
"""

from nh_platform.sources.allen.behavior.settings import AllenVbnSettings
from nh_platform.sources.allen.behavior.source import AllenVisualBehaviorSource
from nh_platform.sources.allen.coding.settings import AllenVcSettings
from nh_platform.sources.allen.coding.source import AllenVisualCodingSource
from nh_platform.sources.allen.nwb.waveforms import MeanWaveforms, mean_waveforms

__all__ = [
    "AllenVbnSettings",
    "AllenVcSettings",
    "AllenVisualBehaviorSource",
    "AllenVisualCodingSource",
    "MeanWaveforms",
    "mean_waveforms",
]
