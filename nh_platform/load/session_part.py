"""The chosen windows and units of one session, and the reading of one window from its mapped spikes.

Contains `SessionPart`. It holds plain arrays and the path of a file, so that it travels to any process; the file is
mapped in each process at its first window. Add here what is read of one window. Which windows and units are chosen is
`nh_platform.load.window_set`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.load.image_vectors import ShownImages
from nh_platform.session import StoreError
from nh_platform.store.codecs.spike_event_files import SpikeEvents, map_spike_events
from nh_platform.store.file_hashes import verified
from nh_platform.windows.counts.binning import US_PER_S, bin_edges, binarise
from nh_platform.windows.presentations.window_presentations import WindowPresentations

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
CountArray = npt.NDArray[np.uint8]


@dataclass
class SessionPart:
    """Windows and units of one session.

    Parameters
    ----------
    source, session_id
        The session.
    path
        Its file of `spike_events`.
    bin_us
        Width of a bin in µs.
    binarised
        Whether counts are 0 or 1.
    base, first_us, n_bins
        (n_windows,) the time that edges are counted from (s; 0 for windows of the grid), the first edge from there in
        µs, and the number of bins.
    window_ids, start, stop, valid
        (n_windows,) rows of the index of the preset.
    unit_ids, regions, unit_numbers, region_numbers, unit_probe
        (n_units,) id, acronym, numbers of itself and its region in the vocabulary, and place in ``probes`` of every
        chosen unit.
    all_unit_ids
        Id of every unit of the session, as rows of the file must mean them.
    place
        (n_all_units,) place of every unit of the session among the chosen ones; -1 where it is not.
    probes
        Names of the probes.
    masked
        By window, (probe, first bin, bin behind the last) of what is 0 because the recording was invalid.
    embeddings
        (n_units, n_features) float64, or None.
    shown
        What was on the screen in the windows, or None.
    images
        Vectors of the images that the windows show, or None.
    """

    source: str
    session_id: str
    path: Path
    bin_us: int
    binarised: bool
    base: FloatArray
    first_us: IntArray
    n_bins: IntArray
    window_ids: IntArray
    start: FloatArray
    stop: FloatArray
    valid: npt.NDArray[np.bool_]
    unit_ids: npt.NDArray[np.object_]
    regions: npt.NDArray[np.object_]
    unit_numbers: IntArray
    region_numbers: IntArray
    unit_probe: IntArray
    all_unit_ids: tuple[str, ...]
    place: IntArray
    probes: tuple[str, ...]
    masked: dict[int, list[tuple[int, int, int]]]
    embeddings: FloatArray | None = None
    shown: WindowPresentations | None = None
    images: ShownImages | None = None
    seconds_to_verify: float = field(default=0.0, compare=False)
    _mapped: SpikeEvents | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return everything but the map, which belongs to this process."""
        return self.__dict__ | {"_mapped": None, "seconds_to_verify": 0.0}

    def open(self) -> SpikeEvents:
        """Return the mapped spikes; the file is verified and mapped at the first call in a process.

        Raises
        ------
        DamagedFile
            If its bytes are not those that were published.
        StoreError
            If its units are not those of the session.
        """
        if self._mapped is None:
            began = time.perf_counter()
            mapped = map_spike_events(self.path)
            if mapped.unit_ids != self.all_unit_ids:
                raise StoreError(
                    f"spike_events of {self.source} session {self.session_id}",
                    f"its {len(mapped.unit_ids)} units are not the {len(self.all_unit_ids)} of the session's `units`",
                    f"Run `nh materialize {self.source} {self.session_id}`.",
                )
            self._mapped = mapped
            self.seconds_to_verify = time.perf_counter() - began
        return self._mapped

    def require_unchanged(self) -> None:
        """Compare the file again where this process reads it and it was written since; raises as `open`."""
        if self._mapped is not None:
            verified(self.path)

    def edges(self, i: int) -> FloatArray:
        """Return the (n_bins + 1,) edges of window ``i`` in seconds from its ``base``."""
        return bin_edges(int(self.first_us[i]), int(self.n_bins[i]), self.bin_us)

    def masked_bins(self, i: int) -> npt.NDArray[np.bool_]:
        """Return (n_probes, n_bins) bool, where the units of a probe are 0 because its recording is invalid."""
        found = np.zeros((len(self.probes), int(self.n_bins[i])), dtype=bool)
        for probe, low, high in self.masked.get(i, ()):
            found[probe, max(low, 0) : max(high, 0)] = True
        return found

    def images_by_bin(self, i: int) -> IntArray | None:
        """Return (n_bins,) the row of the image that was on at the centre of each bin; None without images."""
        if self.images is None:
            return None
        edges = self.edges(i) + float(self.base[i])
        return self.images.on_screen.at((edges[:-1] + edges[1:]) / 2)

    def counts(self, i: int, out: CountArray | None = None) -> CountArray:
        """Return (n_units, n_bins) uint8 counts of window ``i``, saturating at 255; written into ``out`` if given."""
        from nh_platform.windows.time_order import count_window, first_spike_at

        events, edges, base = self.open(), self.edges(i), float(self.base[i])
        if out is None:
            out = np.zeros((len(self.unit_ids), len(edges) - 1), dtype=np.uint8)
        else:
            out[:] = 0
        first = first_spike_at(events.times, events.start_second, events.second_offsets, base + edges[0])
        count_window(events.times, events.unit_row, first, base, edges, self.place, out)
        for probe, low, high in self.masked.get(i, ()):
            out[self.unit_probe == probe, max(low, 0) : max(high, 0)] = 0
        if self.binarised:
            out[:] = binarise(out)
        return out

    def events(self, i: int) -> tuple[FloatArray, IntArray]:
        """Return times (s from the start of the window) and places of the spikes of window ``i``, in time order."""
        from nh_platform.windows.time_order import first_spike_at, take_window

        events, edges, base = self.open(), self.edges(i), float(self.base[i])
        first, stop = (
            first_spike_at(events.times, events.start_second, events.second_offsets, base + edge)
            for edge in (edges[0], edges[-1])
        )
        times, units = np.empty(stop - first), np.empty(stop - first, dtype=np.int64)
        n = take_window(events.times, events.unit_row, first, stop, 0.0, self.place, times, units)
        times, units = times[:n], units[:n]
        if i in self.masked:
            bins = np.searchsorted(base + edges, times, side="right") - 1
            kept = ~self.masked_bins(i)[self.unit_probe[units], bins]
            times, units = times[kept], units[kept]
        return times - (base + edges[0]), units


def whole_us(seconds: FloatArray) -> IntArray:
    """Return times that are whole microseconds as these; a difference of two may be off by a rounding."""
    return np.rint(seconds * US_PER_S).astype(np.int64)
