"""The table `unit_embeddings` of a session: what every encoder says of its units, side by side.

Contains the one place where invalid time is left out for all encoders. What an encoder
computes stands in its own module (`unit_features`) or package.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nh_platform.embeddings.units.grating_responses import GRATING_RESPONSES
from nh_platform.embeddings.units.reference_windows import GRATINGS, ReferenceWindow, UsedWindow
from nh_platform.embeddings.units.unit_encoder import ENTRY_POINTS, UnitActivity, UnitEncoder
from nh_platform.embeddings.units.unit_features import FIRING, are_silent
from nh_platform.embeddings.units.waveform_features import WAVEFORM
from nh_platform.embeddings.units.window_places import grating_presentations, only_within, used_window
from nh_platform.session import ConfigError, Events, Spikes
from nh_platform.session.columns import ColumnMeanings
from nh_platform.session.installed import Installed, load, package_named
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.windows.counts.binning import Grid, bin_edges
from nh_platform.windows.splits.audited_record import WHOLE_SESSION
from nh_platform.windows.valid_time import NOTHING_INVALID, InvalidTimes, valid_bins, valid_spikes

OWN_ENCODERS = (FIRING, WAVEFORM, GRATING_RESPONSES)
"""The platform's own encoders, in the order of their columns."""


def installed_encoders() -> Installed:
    """Return the encoders that installed packages bring."""
    return load(ENTRY_POINTS, UnitEncoder, frozenset(name for encoder in OWN_ENCODERS for name in encoder.names))


def known_encoders() -> tuple[UnitEncoder, ...]:
    """Return the platform's own encoders, then those of installed packages."""
    return *OWN_ENCODERS, *installed_encoders().found.values()


def encoders_version() -> str:
    """Return what the values depend on besides the session: ``name=version`` of every encoder."""
    return ";".join(f"{encoder.name}={encoder.version}" for encoder in known_encoders())


def feature_names() -> list[str]:
    """Return the names of the features of every encoder, in the order of the columns."""
    return [column.name for encoder in known_encoders() for column in encoder.columns]


def feature_meanings() -> ColumnMeanings:
    """Return a function that gives unit of measure and meaning of a feature of an installed package; None for others.

    Files have the schema's meaning of the platform's own features, whose meanings are in the data dictionary.
    """
    installed = installed_encoders().found.values()
    return {column.name: (column.unit, column.meaning) for encoder in installed for column in encoder.columns}.get


def unit_embeddings(
    spikes: Spikes,
    units: pd.DataFrame,
    reference_window: ReferenceWindow | UsedWindow | str = "whole-session",
    invalid: InvalidTimes = NOTHING_INVALID,
    grid: Grid | None = None,
    encoders: Sequence[UnitEncoder] | None = None,
    events: Events | None = None,
    waveforms: MeanWaveforms | None = None,
) -> pd.DataFrame:
    """Describe every unit by its activity in the valid time of the reference window.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id`` and ``probe``; depths and durations of waveforms
        are NaN without their columns.
    reference_window
        The window, its id, one of the forms of `REFERENCE_WINDOWS`, or where it was found to lie.
    invalid
        Invalid intervals; those of a unit's probe and of all probes are left out of its features.
    grid
        Counts of the whole session in its finest bins; features of the population are NaN without.
    encoders
        Encoders to use; every known one where None.
    events
        Events of the session; a window that they limit is empty without.
    waveforms
        Mean waveforms of the units in the order of the table; their features are NaN without.

    Returns
    -------
    pandas.DataFrame
        Schema `UNIT_EMBEDDINGS`: ``n_spikes``, ``is_silent`` and the columns of every encoder. A feature is NaN where
        it is undefined: logarithms of rate 0, ISIs of fewer than two spikes, pairs of fewer than three. Of a unit that
        is silent nothing is filled in.

    Raises
    ------
    ConfigError
        If the window is unknown or does not end after it starts, an encoder of an installed package raises, or one
        returns numbers of another shape.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from nh_platform.session import Spikes
    >>> nothing = np.full(3, np.nan, dtype=np.float32)
    >>> spikes = Spikes(np.array([0.0, 1.0, 4.0]), np.array([0, 3]), nothing, nothing)
    >>> units = pd.DataFrame({"unit_id": ["a"], "probe": ["probe00"]})
    >>> unit_embeddings(spikes, units)[["n_spikes", "rate_hz", "isi_cv2"]]
       n_spikes  rate_hz  isi_cv2
    0         3     0.75      1.0
    """
    if len(units) != spikes.n_units:
        raise ValueError(f"{len(units)} units but spikes of {spikes.n_units}")
    place = reference_window
    if not isinstance(place, UsedWindow):
        place = used_window(spikes, place, events)
    start, stop = _limits(place, spikes)
    invalid = only_within(invalid, place)
    valid = valid_spikes(spikes, units["probe"].tolist(), invalid, start, stop)
    grid = grid or Grid(0, 0, np.zeros((spikes.n_units, 0), dtype=np.uint8), 0)
    edges = bin_edges(grid.start_bin * grid.bin_us, grid.counts.shape[1], grid.bin_us)
    used = valid_bins(edges, invalid)
    if start is not None:
        used &= edges[:-1] >= start
    if stop is not None:
        used &= edges[1:] <= stop
    # Not `counts[:, used]`: numpy lays that out bin by bin, and features that go unit by unit take three times as long.
    counts = grid.counts if used.all() else np.compress(used, grid.counts, axis=1)
    gratings = grating_presentations(events) if place.id == GRATINGS else None
    activity = UnitActivity(units, valid.spikes, valid.stretches, counts, grid.bin_us, waveforms, gratings)
    columns = {name: units[name].to_numpy(dtype=object) for name in ("unit_id", "probe")}
    columns |= {"n_spikes": valid.spikes.counts, "is_silent": are_silent(activity)}
    for encoder in known_encoders() if encoders is None else encoders:
        package = installed_encoders().packages.get(encoder.name)
        with package_named(f"encoder {encoder.name}", package, "it cannot describe the units"):
            values = np.asarray(encoder.encode(activity))
        if values.shape != (len(units), len(encoder.columns)):
            raise ConfigError(
                f"encoder {encoder.name}",
                f"returned numbers of shape {values.shape}, expected {(len(units), len(encoder.columns))}",
                "Correct the package that brings it, or uninstall it.",
            )
        columns |= {column.name: values[:, k].astype(column.dtype) for k, column in enumerate(encoder.columns)}
    return UNIT_EMBEDDINGS.conform(pd.DataFrame(columns))


def _limits(place: UsedWindow, spikes: Spikes) -> tuple[float | None, float | None]:
    """Return start and stop of the window in seconds; None for those of the session."""
    if place.id == WHOLE_SESSION:
        return None, None
    if place.is_empty:
        return np.inf, -np.inf
    return None if place.start <= spikes.recorded_time.start else place.start, place.stop
