"""A batch: windows padded to one shape, as arrays.

Contains `Batch` and its making of samples. Add here what a batch holds. Which windows come together is
`nh_platform.load.batches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.load.image_vectors import VectorArray
from nh_platform.load.sample import Sample
from nh_platform.load.session_part import CountArray, FloatArray, IntArray
from nh_platform.session import ConfigError
from nh_platform.windows.presentations.window_presentations import WindowPresentations

ROUNDING_S = 1e-9
"""A spike so near to the edge of a crop lies on it: times from the start of a window are rounded, by 1e-12 s."""
PADDING = -1
"""Unit number, and place of a spike's unit, where there is none."""


@dataclass(frozen=True, repr=False)
class Batch:
    """Windows padded to the most units, bins and spikes among them.

    Parameters
    ----------
    windows, sessions
        (n,) number of each window in the set, and of its session in the vocabulary.
    start, stop
        (n,) float64 seconds on the session clock.
    units, unit_mask, regions
        (n, n_units) number of each unit in the vocabulary, -1 where padded; bool, False there; number of its region in
        the vocabulary, -1 where padded or unknown.
    valid
        (n, n_units, n_bins) bool, False where padded, and where the recording of the unit's probe is invalid.
    counts
        (n, n_units, n_bins) uint8, 0 where padded; None of spike events.
    times, unit_index, spike_mask
        (n, n_spikes) float64 seconds from the start of the window (0 where padded), int64 place of the unit in
        ``units`` (-1 there), and bool, False there; None of counts.
    embeddings
        (n, n_units, n_features) float64, NaN where padded; None where the set has none.
    presentation_offsets, presentation_ids, presentation_s
        (n + 1,) int64; (n_overlaps,) int64 ids in their session's table, and seconds; None where not asked for.
    aligned_presentations, grey_s
        (n,) int64 id of the presentation that each window is aligned to, -1 where it is to none, and seconds of grey.
    image_rows, images, image_rows_by_bin
        (n,) int64 row, in ``images.vectors`` of the window set, of the image that each window is aligned to, -1 where
        none; (n, n_features) float32 its vector, NaN there; (n, n_bins) int64 row that was on at the centre of each
        bin, -1 where none or padded. None without images.
    """

    windows: IntArray
    sessions: IntArray
    start: FloatArray
    stop: FloatArray
    units: IntArray
    unit_mask: npt.NDArray[np.bool_]
    regions: IntArray
    valid: npt.NDArray[np.bool_]
    counts: CountArray | None = None
    times: FloatArray | None = None
    unit_index: IntArray | None = None
    spike_mask: npt.NDArray[np.bool_] | None = None
    embeddings: FloatArray | None = None
    presentation_offsets: IntArray | None = None
    presentation_ids: IntArray | None = None
    presentation_s: FloatArray | None = None
    aligned_presentations: IntArray | None = None
    grey_s: FloatArray | None = None
    image_rows: IntArray | None = None
    images: VectorArray | None = None
    image_rows_by_bin: IntArray | None = None

    def __repr__(self) -> str:
        n, n_units, n_bins = self.valid.shape
        held = f"bins={n_bins}" if self.times is None else f"spikes up to {self.times.shape[1]}"
        return f"Batch(windows={n}, units up to {n_units}, {held})"


def padded(members: IntArray, samples: Sequence[Sample], kept: Sequence[IntArray]) -> Batch:
    """Return samples as a batch, each with the units in its places of ``kept`` alone."""
    n, n_units = len(samples), max(map(len, kept))
    n_bins = max(one.masked.shape[1] for one in samples)
    units, regions = np.full((2, n, n_units), PADDING, dtype=np.int64)
    valid = np.zeros((n, n_units, n_bins), dtype=bool)
    has_counts = samples[0].counts is not None
    counts = np.zeros((n, n_units, n_bins), dtype=np.uint8) if has_counts else None
    first = samples[0].embeddings
    embeddings = None if first is None else np.full((n, n_units, first.shape[1]), np.nan)
    spikes: list[tuple[FloatArray, IntArray]] = []
    for row, (one, places) in enumerate(zip(samples, kept)):
        n_kept, width = len(places), one.masked.shape[1]
        # A slice where all units stay, as most often: indices cost half of the time in which a batch is made.
        chosen = slice(None) if n_kept == len(one.unit_ids) else places
        units[row, :n_kept] = one.unit_numbers[chosen]
        regions[row, :n_kept] = one.region_numbers[chosen]
        valid[row, :n_kept, :width] = ~one.masked[one.unit_probe[chosen]] if one.masked.any() else True
        if counts is not None and one.counts is not None:
            counts[row, :n_kept, :width] = one.counts[chosen]
        if embeddings is not None and one.embeddings is not None:
            embeddings[row, :n_kept] = one.embeddings[chosen]
        if one.times is not None and one.unit_index is not None:
            spikes.append(_spikes_of(one.times, one.unit_index, places, len(one.unit_ids)))
    return Batch(
        windows=members,
        sessions=np.array([one.session_number for one in samples], dtype=np.int64),
        start=np.array([one.start for one in samples]),
        stop=np.array([one.stop for one in samples]),
        units=units,
        unit_mask=units != PADDING,
        regions=regions,
        valid=valid,
        counts=counts,
        embeddings=embeddings,
        **({} if has_counts else _padded_spikes(spikes)),
        **_shown([one.shown for one in samples if one.shown is not None]),
        **_images(samples, n_bins),
    )


def _spikes_of(times: FloatArray, index: IntArray, places: IntArray, n_units: int) -> tuple[FloatArray, IntArray]:
    """Return the spikes of the units in ``places``, which is where they are counted from."""
    if len(places) == n_units:
        return times, index
    new = np.full(n_units, PADDING, dtype=np.int64)
    new[places] = np.arange(len(places))
    index = new[index]
    return times[index >= 0], index[index >= 0]


def _padded_spikes(spikes: Sequence[tuple[FloatArray, IntArray]]) -> dict[str, npt.NDArray[Any]]:
    longest = max((len(times) for times, _ in spikes), default=0)
    times = np.zeros((len(spikes), longest))
    index = np.full((len(spikes), longest), PADDING, dtype=np.int64)
    for row, (at, unit) in enumerate(spikes):
        times[row, : len(at)], index[row, : len(at)] = at, unit
    return {"times": times, "unit_index": index, "spike_mask": index != PADDING}


def _shown(windows: Sequence[WindowPresentations]) -> dict[str, npt.NDArray[Any]]:
    """Return what was on the screen in the windows of a batch, one behind the other; nothing if there are none."""
    if not windows:
        return {}
    return {
        "presentation_offsets": np.cumsum([0, *(len(one.ids) for one in windows)], dtype=np.int64),
        "presentation_ids": np.concatenate([one.ids for one in windows]),
        "presentation_s": np.concatenate([one.seconds for one in windows]),
        "aligned_presentations": np.concatenate([one.aligned for one in windows]),
        "grey_s": np.concatenate([one.grey_s for one in windows]),
    }


def _images(samples: Sequence[Sample], n_bins: int) -> dict[str, npt.NDArray[Any]]:
    """Return the images of the windows of a batch; nothing if there are none."""
    vectors = [one.image for one in samples if one.image is not None]
    if not vectors:
        return {}
    by_bin = np.full((len(samples), n_bins), PADDING, dtype=np.int64)
    for row, one in enumerate(samples):
        if one.image_rows_by_bin is not None:
            by_bin[row, : len(one.image_rows_by_bin)] = one.image_rows_by_bin
    rows = np.array([one.image_row for one in samples], dtype=np.int64)
    return {"image_rows": rows, "images": np.stack(vectors), "image_rows_by_bin": by_bin}


def cropped(sample: Sample, length_s: float, random: np.random.Generator) -> Sample:
    """Return a stretch of a window, at random, that begins at the edge of a bin where there are bins.

    Parameters
    ----------
    sample
        The window; one that is no longer is returned as it is.
    length_s
        Seconds.
    random
        Decides where it begins.

    Raises
    ------
    ConfigError
        If it is no whole number of bins, or the window says what was on the screen, which is of all of it.
    """
    span, n_bins = sample.stop - sample.start, sample.masked.shape[1]
    if span <= length_s + 1e-9:
        return sample
    if sample.shown is not None:
        raise ConfigError("crop of windows", "presentations are of whole windows", "Leave out one of the two.")
    masked, counts, first = sample.masked, sample.counts, 0
    by_bin = sample.image_rows_by_bin
    if n_bins > 1 or counts is not None:
        width = span / n_bins
        n = round(length_s / width)
        if n < 1 or abs(n * width - length_s) > 1e-6:
            found = f"its bins of {width:g} s do not add up to {length_s:g} s"
            raise ConfigError(f"crop of {sample.source} windows", found, "Crop to a whole number of bins.")
        first = int(random.integers(n_bins - n + 1))
        low, masked = first * width, masked[:, first : first + n]
        counts = None if counts is None else counts[:, first : first + n]
        by_bin = None if by_bin is None else by_bin[first : first + n]
    else:
        low = float(random.uniform(0, span - length_s))
    times, index = sample.times, sample.unit_index
    if times is not None and index is not None:
        inside = (times >= low - ROUNDING_S) & (times < low + length_s - ROUNDING_S)
        times, index = np.maximum(times[inside] - low, 0.0), index[inside]
    start = sample.start + low
    moved = {"start": start, "stop": start + length_s, "masked": masked, "image_rows_by_bin": by_bin}
    return replace(sample, counts=counts, times=times, unit_index=index, **moved)  # type: ignore[arg-type]
