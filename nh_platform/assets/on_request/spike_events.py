"""The asset `spike_events`: the session's spikes in the order of time, made where `also_assets` asks for it.

What the loader reads windows from (docs/decisions/0026). Change here what is shown of it; the order is
`nh_platform.windows.time_order`, the file `nh_platform.store.codecs.spike_event_files`.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset
from nh_platform.session.tables.spike_events import SPIKE_EVENTS
from nh_platform.store.codecs.spike_event_files import SPIKE_EVENTS_FILE, SpikeEvents, write_spike_events


def make(inputs: SessionInputs) -> AssetResult:
    """Put the spikes of `raw_spikes` into the order of time."""
    from nh_platform.windows.time_order import ordered_spikes

    recording = inputs.trains()
    times, unit_row, start_second, second_offsets = ordered_spikes(recording.spikes)
    events = SpikeEvents(times, unit_row, start_second, second_offsets, tuple(recording.units["unit_id"]))

    def write(folder: Path) -> None:
        write_spike_events(folder, events)

    return AssetResult(
        write=write,
        rows=len(times),
        shown={"units": len(events.unit_ids), "MB": round((times.nbytes + unit_row.nbytes) / 1e6, 1)},
    )


ASSET = SessionAsset(
    name="spike_events",
    code_version="1",
    description=(
        "Every spike of the session in the order of time, with its unit: what the loader reads windows from. Not "
        "compressed, 10 bytes a spike. Made on request."
    ),
    kinds=frozenset({"hdf5"}),
    tables=((SPIKE_EVENTS, SPIKE_EVENTS_FILE),),
    make=make,
    inputs=("raw_spikes",),
    of_every_source=False,
)
