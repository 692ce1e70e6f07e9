"""The table `unit_embeddings` of a session: what every encoder says of its units, side by side.

Contains the one place where invalid time is left out for all encoders. What an encoder
computes stands in its own module (`unit_features`) or package.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nh_platform.embeddings.units.reference_windows import ReferenceWindow, checked_window
from nh_platform.embeddings.units.unit_encoder import ENTRY_POINTS, UnitActivity, UnitEncoder
from nh_platform.embeddings.units.unit_features import FIRING
from nh_platform.session import ConfigError, Spikes
from nh_platform.session.columns import ColumnMeanings
from nh_platform.session.installed import Installed, load, package_named
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.windows.counts.binning import Grid, bin_edges
from nh_platform.windows.valid_time import NOTHING_INVALID, InvalidTimes, valid_bins, valid_spikes


def installed_encoders() -> Installed:
    """Return the encoders that installed packages bring."""
    return load(ENTRY_POINTS, UnitEncoder, frozenset(FIRING.names))


def known_encoders() -> tuple[UnitEncoder, ...]:
    """Return the platform's own encoder, then those of installed packages."""
    return FIRING, *installed_encoders().found.values()


def encoders_version() -> str:
    """Return what the values depend on besides the session: the version of the own features, then ``name=version``."""
    own, *others = known_encoders()
    return ";".join([own.version, *(f"{encoder.name}={encoder.version}" for encoder in others)])


def feature_names() -> list[str]:
    """Return the names of the features of every encoder, in the order of the columns."""
    return [column.name for encoder in known_encoders() for column in encoder.columns]


def feature_meanings() -> ColumnMeanings:
    """Return a function that gives unit of measure and meaning of a feature of an installed package; None for others.

    Files have the schema's meaning of the platform's own features, whose meanings are in the data dictionary.
    """
    _, *installed = known_encoders()
    return {column.name: (column.unit, column.meaning) for encoder in installed for column in encoder.columns}.get


def unit_embeddings(
    spikes: Spikes,
    units: pd.DataFrame,
    reference_window: ReferenceWindow | str = "whole-session",
    invalid: InvalidTimes = NOTHING_INVALID,
    grid: Grid | None = None,
    encoders: Sequence[UnitEncoder] | None = None,
) -> pd.DataFrame:
    """Describe every unit by its activity in the valid time of the reference window.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id`` and ``probe``.
    reference_window
        The window, or the id of one of `REFERENCE_WINDOWS`.
    invalid
        Invalid intervals; those of a unit's probe and of all probes are left out of its features.
    grid
        Counts of the whole session in its finest bins; features of the population are NaN without.
    encoders
        Encoders to use; every known one where None.

    Returns
    -------
    pandas.DataFrame
        Schema `UNIT_EMBEDDINGS`: ``n_spikes`` and the columns of every encoder. A feature is NaN where it is undefined:
        logarithms of rate 0, ISIs of fewer than two spikes, pairs of fewer than three.

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
    start, stop = _limits(spikes, reference_window)
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
    activity = UnitActivity(units, valid.spikes, valid.stretches, counts, grid.bin_us)
    columns = {name: units[name].to_numpy(dtype=object) for name in ("unit_id", "probe")}
    columns["n_spikes"] = valid.spikes.counts
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


def _limits(spikes: Spikes, window: ReferenceWindow | str) -> tuple[float | None, float | None]:
    """Return start and stop of the window in seconds; None for that of the session."""
    window = checked_window(window)
    first = spikes.recorded_time.start
    return first + window.start_s if window.start_s else None, None if window.stop_s is None else first + window.stop_s
