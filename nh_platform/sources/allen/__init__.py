"""Allen Institute releases: Visual Coding Neuropixels and Visual Behavior Neuropixels.

One folder per data set, and `nwb` for what the files of both have. Add here what both share. Only `sdk` imports
allensdk, and nothing here imports Dagster.
"""

from nh_platform.session.lazy_names import lazy_names

__getattr__ = lazy_names(
    __name__,
    {
        "AllenVbnSettings": "behavior.settings",
        "AllenVcSettings": "coding.settings",
        "AllenVisualBehaviorSource": "behavior.source",
        "AllenVisualCodingSource": "coding.source",
        "mean_waveforms": "nwb.waveforms",
    },
)
