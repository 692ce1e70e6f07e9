"""How strongly each unit fires with the rest of its session, from binned counts.

Contains one feature that needs all units at once. Features of one unit alone are in
`nh_platform.embeddings.unit_features`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.session.columns import Column

COUPLING = Column(
    "population_coupling",
    "float32",
    "1",
    "Correlation of the unit's counts with those of all other units (Okun et al. 2015), on the smallest stored bins",
    nullable=True,
)


def population_coupling(
    counts: npt.NDArray[np.unsignedinteger], valid: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float32]:
    """Return the correlation of each unit's counts with the summed counts of all other units.

    The normalised form of population coupling (Okun et al. 2015, Nature 521, 511–515, eq. in Methods): Pearson's r of
    ``c_i(t)`` and ``sum_{j != i} c_j(t)`` over all bins, without smoothing.

    Parameters
    ----------
    counts
        (n_units, n_bins), spikes per bin.
    valid
        (n_bins,) bins to use; all where not stated. A bin in which one probe recorded badly holds zeros of its units,
        which would correlate with each other and lower the sum of all others.

    Returns
    -------
    ndarray
        (n_units,) float32 in −1 to 1; NaN where the unit or the rest of the session has the same count in every bin.

    Examples
    --------
    >>> import numpy as np
    >>> population_coupling(np.array([[1, 0, 1, 0], [2, 0, 2, 0], [0, 0, 0, 0]], dtype=np.uint8)).tolist()
    [1.0, 1.0, nan]
    """
    if valid is not None and not valid.all():
        counts = counts[:, valid]
    n_units = counts.shape[0]
    coupling = np.full(n_units, np.nan, dtype=np.float32)
    total = counts.sum(axis=0, dtype=np.int64)
    for unit in range(n_units):
        own = counts[unit].astype(np.float64)
        rest = total - own
        own -= own.mean() if len(own) else 0.0
        rest -= rest.mean() if len(rest) else 0.0
        scale = np.sqrt((own @ own) * (rest @ rest))
        if scale > 0:
            coupling[unit] = (own @ rest) / scale
    return coupling
