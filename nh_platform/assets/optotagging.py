"""The asset `optotagging`: what pulses of light did to every unit, of sources that shine it.

Change here what is stored and shown of it. The procedure is `nh_platform.embeddings.cell_types.optotagging`; the
verdict is also a column of `units`.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset, note_texts
from nh_platform.session.tables.cell_types import OPTOTAGGING
from nh_platform.store.codecs.parquet import write_table
from nh_platform.store.codecs.recording_files import read_events

OPTOTAGGING_FILE = "optotagging.parquet"


def make(inputs: SessionInputs) -> AssetResult:
    """Judge every unit of `raw_spikes` by the optogenetic epochs of `events`."""
    from nh_platform.embeddings.cell_types.optotagging import optotagged_units

    recording = inputs.trains()
    # Not `inputs.events()`: what reviewers mark invalid is of recordings, and would make every `units` anew.
    tables = read_events(inputs.stored.folder("events")).tables
    epochs, invalid = tables.get("optogenetic_epochs"), tables.get("invalid_times")
    table, notes = optotagged_units(recording.spikes, recording.units, epochs, invalid)

    def write(folder: Path) -> None:
        write_table(folder / OPTOTAGGING_FILE, table, OPTOTAGGING)

    return AssetResult(
        write=write,
        rows=len(table),
        shown={
            "units judged": int(table["optotagged"].notna().sum()),
            "units tagged": int((table["optotagged"] == 1).sum()),
            "pulses": int(table["n_pulses"].max()) if len(table) else 0,
        },
        notes=note_texts(notes),
    )


ASSET = SessionAsset(
    name="optotagging",
    code_version="2",
    description=(
        "What short pulses of light did to every unit: how reliably and how soon it spikes after them, against the "
        "time before, with a test that is corrected for the units of the session, and whether it is tagged."
    ),
    kinds=frozenset({"parquet"}),
    tables=((OPTOTAGGING, OPTOTAGGING_FILE),),
    make=make,
    inputs=("raw_spikes", "events"),
    of_every_source=False,
)
