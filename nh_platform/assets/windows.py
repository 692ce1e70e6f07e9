"""The asset `windows`: binned spike counts, and the index of windows for the configured presets.

Change here what is stored of windows and what is shown of them. Cutting and counting is `nh_platform.windows`; a preset
is text in `nh_platform/windows/presets`.
"""

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, Parameters, SessionAsset, in_words
from nh_platform.home.platform import Platform
from nh_platform.session.tables.windows import WINDOW_INDEX, WINDOW_MASKS


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the presets by content."""
    presets = platform.presets(source)
    return {"presets": ";".join(f"{preset.id}={preset.content_version}" for preset in presets)}


def make(inputs: SessionInputs) -> AssetResult:
    """Bin the spikes for the presets of the source and index the windows."""
    from nh_platform.windows.session_windows import build_windows
    from nh_platform.windows.window_files import write_windows

    presets = inputs.platform.presets(inputs.source)
    windows = build_windows(inputs.recording().spikes, inputs.units(), inputs.behavior(), presets)
    per_preset = windows.index.groupby("preset", sort=True).agg(windows=("valid", "size"), valid=("valid", "sum"))
    return AssetResult(
        write=lambda folder: write_windows(folder, windows),
        rows=len(windows.index),
        shown={
            "windows": [
                {"preset": preset, "windows": int(row["windows"]), "valid": int(row["valid"])}
                for preset, row in per_preset.iterrows()
            ]
        },
        notes=in_words(windows.notes),
    )


ASSET = SessionAsset(
    name="windows",
    code_version="1",
    description=(
        "Binned spike counts and the index of windows for the configured presets: continuous windows and windows "
        "aligned to stimulus onset. Bins are half-open; a spike falls into exactly one."
    ),
    kinds=frozenset({"hdf5", "parquet"}),
    tables=((WINDOW_INDEX, "index.parquet"), (WINDOW_MASKS, "masks.parquet")),
    make=make,
    inputs=("raw_spikes", "units", "behavior"),
    parameters=parameters,
)
