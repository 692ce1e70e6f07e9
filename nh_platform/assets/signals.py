"""The asset `signals`: what was sampled throughout the session, beside the spikes.

Change here what is stored and shown of signals. Reading upstream's files belongs to the source; what happens at a time
is `events`.
"""

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset, files_not_had, note_texts, origin_texts
from nh_platform.session.tables.events import DETECTED
from nh_platform.store.codecs.recording_files import write_signals


def make(inputs: SessionInputs) -> AssetResult:
    """Read wheel or running, pupil and motion energy, and what upstream detected in them."""
    read = inputs.upstream.read_signals(inputs.files)
    return AssetResult(
        write=lambda folder: write_signals(folder, read),
        rows=len(read.signals),
        shown={
            "signals": [
                {"signal": s.name, "samples": len(s.timestamps), "unit": s.unit, "columns": ", ".join(s.columns)}
                for _, s in sorted(read.signals.items())
            ],
            "detected": [{"table": name, "rows": len(rows)} for name, rows in sorted(read.tables.items())],
        },
        notes=note_texts(read.notes),
        not_had=files_not_had(read.notes),
        origins=origin_texts(read.notes),
    )


ASSET = SessionAsset(
    name="signals",
    code_version="3",
    description=(
        "What was sampled throughout the session: wheel or running, pupil, gaze, motion energy of the cameras, with "
        "upstream's own timestamps in seconds on the session clock; and the movements that upstream detected."
    ),
    kinds=frozenset({"hdf5", "parquet"}),
    tables=tuple((schema, f"{name}.parquet, where the session has any") for name, schema in DETECTED.items()),
    make=make,
    groups=("signals",),
)
