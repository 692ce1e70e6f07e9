"""Allen Institute releases: Visual Coding Neuropixels.

One folder per family of formats. Add a module for a table of the NWB file, or a source beside `visual_coding`.
Only `sdk` imports allensdk, and nothing here imports Dagster.
"""

from nh_platform.sources.allen.visual_coding import AllenVcSettings, AllenVisualCodingSource

__all__ = ["AllenVcSettings", "AllenVisualCodingSource"]
