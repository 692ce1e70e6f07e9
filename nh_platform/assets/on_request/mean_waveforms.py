"""The asset `mean_waveforms`: the mean waveform of every unit around its peak, made where `also_assets` asks for it.

Change here what is stored and shown of waveforms. Reading upstream's files belongs to the source.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset, files_not_had, note_texts, origin_texts
from nh_platform.session import ConfigError
from nh_platform.session.tables.waveforms import WAVEFORM_UNITS
from nh_platform.sources.source import WaveformSource
from nh_platform.store.codecs.waveform_files import waveform_table, write_waveforms


def make(inputs: SessionInputs) -> AssetResult:
    """Read the waveform of every unit of `raw_spikes`."""
    upstream = inputs.upstream
    if not isinstance(upstream, WaveformSource):
        text = f"{inputs.source} has no mean waveforms"
        raise ConfigError("asset mean_waveforms", text, "Remove it from `also_assets`.")
    units = inputs.raw_units()
    read = upstream.read_waveforms(inputs.files, units)
    table = waveform_table(read)

    def write(folder: Path) -> None:
        write_waveforms(folder, read)

    return AssetResult(
        write=write,
        rows=len(table),
        shown={
            "units": len(table),
            "units with a waveform": int((table["n_channels"] > 0).sum()),
            "channels": read.values.shape[1],
            "samples": read.values.shape[2],
        },
        notes=note_texts(read.notes),
        not_had=files_not_had(read.notes),
        origins=origin_texts(read.notes),
    )


ASSET = SessionAsset(
    name="mean_waveforms",
    code_version="3",
    description=(
        "Mean waveform of every unit on the channels around its peak, in volts, as the release states it. Made on "
        "request."
    ),
    kinds=frozenset({"hdf5", "parquet"}),
    tables=((WAVEFORM_UNITS, "waveform_units.parquet"),),
    make=make,
    inputs=("raw_spikes",),
    groups=("waveforms",),
    of_every_source=False,
)
