"""Narrow and broad waveforms, by the time from trough to peak.

Contains the one threshold and what has no type. In cortex and hippocampus narrow waveforms are mostly those of
fast-spiking interneurons (Barthó et al. 2004, J Neurophysiol 92:600); elsewhere the name says nothing of the cell.

The threshold is that of bombcell (`templateDuration_Ctx_threshold` of its `ephys_properties.py`: 400 µs, of which at
most that is narrow in cortex). In 1,240 units of visual cortex of two Visual Coding sessions durations have two groups,
around 0.27 and 0.62 ms, and the fewest lie between 0.4 and 0.5 ms: 16 % of the units are narrow.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.session.tables.cell_types import BROAD, NARROW

NARROW_MS = 0.4
"""Longest narrow waveform."""


def waveform_types(peak_to_trough: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """Return the type of every unit by its duration.

    Parameters
    ----------
    peak_to_trough
        (n_units,) ms from trough to peak, column ``peak_to_trough`` of the units: ``clusters.peakToTrough`` at IBL,
        where it is negative if the peak comes before the trough; ``waveform_duration`` at the Allen Institute, which
        has no sign. NaN where upstream states none.

    Returns
    -------
    ndarray
        (n_units,) ``narrow`` up to `NARROW_MS`, ``broad`` above; None where the duration is NaN, 0 or negative: a peak
        before the trough is that of an axon or of a positive spike.

    Examples
    --------
    >>> import numpy as np
    >>> waveform_types(np.array([0.2, 0.4, 0.7, -0.25, np.nan])).tolist()
    ['narrow', 'narrow', 'broad', None, None]
    """
    duration = np.asarray(peak_to_trough, dtype=np.float64)
    found = np.full(len(duration), None, dtype=object)
    found[(duration > 0) & (duration <= NARROW_MS)] = NARROW
    found[np.isfinite(duration) & (duration > NARROW_MS)] = BROAD
    return found
