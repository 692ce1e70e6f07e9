"""The asset `windows`: binned spike counts, and the index of windows for the configured presets.

Change here what is stored of windows and what is shown of them. Cutting and counting is `nh_platform.windows`; a preset
is text in `nh_platform/windows/presets/shipped`, and an event is stated by the source's entry.
"""

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, Parameters, SessionAsset, note_texts
from nh_platform.home.platform import Platform
from nh_platform.session.tables.windows import WINDOW_INDEX, WINDOW_MASKS


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the presets by content, with the events that they are aligned to."""
    events = platform.config(source).entry.events
    presets = platform.presets(source)
    return {"presets": ";".join(f"{preset.id}={preset.content_version(events)}" for preset in presets)}


def make(inputs: SessionInputs) -> AssetResult:
    """Bin the spikes for the presets of the source, around the events that it states, and index the windows."""
    from nh_platform.windows.session_windows import build_windows
    from nh_platform.windows.window_files import write_windows

    presets = inputs.platform.presets(inputs.source)
    events = inputs.platform.config(inputs.source).entry.events
    recording = inputs.trains()
    windows = build_windows(recording.spikes, recording.units, inputs.events(), presets, events)
    valid = {name: rows["valid"] for name, rows in windows.index.groupby("preset")}
    return AssetResult(
        write=lambda folder: write_windows(folder, windows),
        rows=len(windows.index),
        shown={
            "windows": [
                {"preset": name, "windows": len(valid.get(name, ())), "valid": int(sum(valid.get(name, ())))}
                for name in sorted(preset.id for preset in presets)
            ]
        },
        notes=note_texts(windows.notes),
    )


ASSET = SessionAsset(
    name="windows",
    code_version="5",
    description=(
        "Binned spike counts and the index of windows for the configured presets: continuous windows and windows "
        "aligned to an event. Bins are half-open; a spike falls into exactly one."
    ),
    kinds=frozenset({"hdf5", "parquet"}),
    tables=((WINDOW_INDEX, "index.parquet"), (WINDOW_MASKS, "masks.parquet")),
    make=make,
    inputs=("raw_spikes", "events"),
    reads_reviewed_intervals=True,
    parameters=parameters,
    memory_per_spike_byte=1.1,
)
