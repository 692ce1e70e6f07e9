"""A session as a sorting of SpikeInterface: whole samples by unit, and what is known of each unit.

Contains what `SessionView.to_spikeinterface` does. SpikeInterface is imported on call alone; a person installs it. Add
here another property of units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nh_platform.reading.unit_psth import UnitChoice, choose_units
from nh_platform.reading.upstream_views.pynapple_objects import library
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from nh_platform.reading.session_view import SessionView

SAMPLING_FREQUENCY = 30_000.0
"""Hz of a Neuropixels 1.0 probe; used where upstream states none, as IBL."""

PROPERTIES = {
    "probe": "group",
    "depth": "depth",
    "amplitude": "amplitude",
    "acronym": "brain_area",
    "beryl": "beryl",
    "cosmos": "cosmos",
    "label": "label",
    "good": "good",
    "released.label": "released_label",
    "released.quality": "quality",
}
"""Properties of units by the column of `SessionView.units`; depth in µm from the tip, amplitude in V."""


def spikeinterface_sorting(
    session: SessionView, units: UnitChoice = None, sampling_frequency: float | None = None
) -> Any:
    """Return a session as a `NumpySorting`; see `SessionView.to_spikeinterface`."""
    core = library("spikeinterface.core", "spikeinterface")
    table = session.units
    rows = choose_units(table["unit_id"], units)
    stated = session.probes["sampling_rate"].to_numpy(np.float64)
    stated = stated[np.isfinite(stated)]
    rate = sampling_frequency or (float(stated[0]) if len(stated) == 1 else SAMPLING_FREQUENCY)
    if not rate > 0:
        raise ConfigError("sampling_frequency", f"{rate}", "Give samples per second, for example 30000.")
    spikes = session.spikes
    ids = table["unit_id"].to_numpy(dtype=object)[rows].astype(str)
    trains = {str(one): np.rint(spikes.of_unit(int(row)) * rate).astype(np.int64) for one, row in zip(ids, rows)}
    if not trains:
        raise ConfigError("units", "none is chosen", "Choose at least one unit: a sorting without any is none.")
    sorting = core.NumpySorting.from_unit_dict([trains], rate)
    for column, name in PROPERTIES.items():
        if column in table:
            values = table[column].to_numpy()[rows]
            sorting.set_property(name, _texts(values) if values.dtype == object else values)
    sorting.annotate(source=session.source, session_id=session.session_id, seconds_per_sample=1 / rate)
    return sorting


def _texts(values: np.ndarray) -> np.ndarray:
    return np.array(["" if value is None or value != value else str(value) for value in values])
