"""What one window holds when it is read for training.

Contains `Sample`. Add a field here when a training loop gets more of a window; batches pad it in
`nh_platform.load.batches`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.load.image_vectors import VectorArray
from nh_platform.load.session_part import CountArray, FloatArray, IntArray
from nh_platform.windows.presentations.window_presentations import WindowPresentations


@dataclass(frozen=True, repr=False)
class Sample:
    """One window.

    Parameters
    ----------
    source, session_id, window_id
        Where it is from; ``window_id`` is the row of ``session.windows(preset).index``.
    session_number
        Number of the session in the vocabulary.
    start, stop
        Seconds on the session clock.
    valid
        Whether the index calls it valid.
    unit_ids, regions, unit_numbers, region_numbers
        (n_units,) id, acronym of the region (None where unknown), and numbers in the vocabulary of every unit and of
        its region (-1 where unknown).
    probes, unit_probe, masked
        Names of the probes, (n_units,) place of each unit's probe, and (n_probes, n_bins) bool: where counts are 0
        because the recording of the probe is invalid.
    counts
        (n_units, n_bins) uint8, saturating at 255; None where events are asked for.
    times, unit_index
        (n_spikes,) float64 seconds from ``start``, ascending, and int64 place of the unit; None where counts are.
    embeddings
        (n_units, n_features) float64; None where they are not asked for.
    shown
        What was on the screen: presentations of the session's table by id, and grey; None where it is not asked for.
    image_row, image, image_rows_by_bin
        Row of the image that the presentation showed to which the window is aligned (-1 where none), its (n_features,)
        float32 vector (NaN there), and (n_bins,) the row that was on at the centre of each bin; None without images.
    """

    source: str
    session_id: str
    window_id: int
    session_number: int
    start: float
    stop: float
    valid: bool
    unit_ids: npt.NDArray[np.object_]
    regions: npt.NDArray[np.object_]
    unit_numbers: IntArray
    region_numbers: IntArray
    probes: tuple[str, ...]
    unit_probe: IntArray
    masked: npt.NDArray[np.bool_]
    counts: CountArray | None = None
    times: FloatArray | None = None
    unit_index: IntArray | None = None
    embeddings: FloatArray | None = None
    shown: WindowPresentations | None = None
    image_row: int | None = None
    image: VectorArray | None = None
    image_rows_by_bin: IntArray | None = None

    def __repr__(self) -> str:
        held = f"bins={self.masked.shape[1]}" if self.times is None else f"spikes={len(self.times)}"
        where = f"{self.source!r}, {self.session_id!r}, window_id={self.window_id}, start={self.start:g}"
        return f"Sample({where}, units={len(self.unit_ids)}, {held})"
