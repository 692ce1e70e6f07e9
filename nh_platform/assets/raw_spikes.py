"""The asset `raw_spikes`: the verified upstream sorting, nothing filtered.

Change here what is stored of a sorting and what is shown of it. Reading upstream's files belongs to the source, the
reasons for which a session cannot be used to `nh_platform.qc.gate`; quality metrics and brain regions are `units`.
"""

from pathlib import Path

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset, files_not_had, note_texts, origin_texts
from nh_platform.qc.gate import gate_of
from nh_platform.qc.plausibility import unusable_probes
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.store.codecs.recording_files import write_recording


def make(inputs: SessionInputs) -> AssetResult:
    """Read the verified upstream sorting, and judge whether it can be used."""
    recording = inputs.upstream.read_spikes(inputs.files)
    unusable = unusable_probes(recording)
    if len(unusable) < recording.units["probe"].nunique():
        recording = recording.without_probes(unusable)
    spikes = recording.spikes
    first, last = spikes.time_range
    probes = recording.probes.to_dict("records")
    gate = gate_of(recording, inputs.files)

    def write(folder: Path) -> None:
        write_recording(folder, recording)
        gate.write(folder)

    return AssetResult(
        write=write,
        rows=spikes.n_units,
        shown={
            "units": spikes.n_units,
            "units without spikes": int((spikes.counts == 0).sum()),
            "spikes": len(spikes.times),
            "first spike [s]": first,
            "last spike [s]": last,
            "probes": [{key: str(value) for key, value in row.items() if value is not None} for row in probes],
        },
        notes=(*note_texts(recording.notes), *gate.warnings),
        not_had=files_not_had(recording.notes),
        origins=origin_texts(recording.notes),
    )


ASSET = SessionAsset(
    name="raw_spikes",
    code_version="4",
    description=(
        "Spike times, amplitudes and depths of every sorted unit, from verified upstream files. Nothing is filtered; "
        "no quality metric and no brain region is in it. Times are seconds on the session clock, amplitudes volts."
    ),
    kinds=frozenset({"hdf5", "parquet"}),
    tables=((RAW_UNITS, "units.parquet"), (PROBES, "probes.parquet"), (RAW_CHANNELS, "channels.parquet")),
    make=make,
    groups=("spikes",),
    is_gate=True,
    memory_per_spike_byte=1.7,
)
