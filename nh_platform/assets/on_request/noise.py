"""The asset `noise`: noise of every channel and insertion, made where `also_assets` asks for it.

Change here what is stored and shown of noise. Reading upstream's files belongs to the source, what follows for an
insertion to `nh_platform.qc.probe_noise`.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset, files_not_had, note_texts, origin_texts
from nh_platform.qc.probe_noise import noise_of_probes
from nh_platform.session import ConfigError
from nh_platform.session.tables.noise import NOISE_CHANNELS, NOISE_PROBES
from nh_platform.sources.source import NoiseSource
from nh_platform.store.codecs.parquet import write_table


def make(inputs: SessionInputs) -> AssetResult:
    """Read the noise of the channels that were sorted, and sum it up by insertion."""
    upstream = inputs.upstream
    if not isinstance(upstream, NoiseSource):
        raise ConfigError("asset noise", f"{inputs.source} has no noise files", "Remove it from `also_assets`.")
    read = upstream.read_noise(inputs.files, inputs.raw_channels())
    probes = noise_of_probes(read.channels)

    def write(folder: Path) -> None:
        write_table(folder / "noise_channels.parquet", read.channels, NOISE_CHANNELS)
        write_table(folder / "noise_probes.parquet", probes, NOISE_PROBES)

    return AssetResult(
        write=write,
        rows=len(read.channels),
        shown={"insertions": probes.astype(object).where(probes.notna(), None).to_dict("records")},
        notes=note_texts(read.notes),
        not_had=files_not_had(read.notes),
        origins=origin_texts(read.notes),
    )


ASSET = SessionAsset(
    name="noise",
    code_version="1",
    description=(
        "Noise and LFP power of every channel that was sorted, from IBL's noise and spectral files, and of every "
        "insertion the two values that the RIGOR criteria ask. Made on request."
    ),
    kinds=frozenset({"parquet"}),
    tables=((NOISE_CHANNELS, "noise_channels.parquet"), (NOISE_PROBES, "noise_probes.parquet")),
    make=make,
    inputs=("raw_spikes",),
    groups=("noise",),
    of_every_source=False,
)
