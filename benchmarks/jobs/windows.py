"""The platform's side of rows on random training windows from disk, and the memory map's own floor.

``python -m benchmarks.jobs.windows JOB FOLDER OUTPUT.npz``, started by the harness. FOLDER is what
`benchmarks.rows.windows` writes; OUTPUT gets ``counts`` of every window, or ``offsets``, ``times`` and ``units`` of
their spikes. Jobs that end in ``_cold`` run with nothing of the file in the system's cache; its metadata were read;
those that begin with ``batched_`` go through the loader. Add a job here for what else is read of a window.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmarks.turns import forget_pages, take_turns
from nh_platform.load import Batch, Batches, Vocabulary, WindowSet
from nh_platform.load.session_part import SessionPart
from nh_platform.store.codecs.spike_event_files import SPIKE_EVENTS_FILE

Arrays = dict[str, npt.NDArray[Any]]
BIN_US, WINDOW_BINS, BATCH_SIZE = 20_000, 50, 32


def session_part(folder: Path) -> SessionPart:
    """Return the windows of the input, every unit chosen."""
    with np.load(folder / "input.npz") as stored:
        starts, n_units = stored["starts"], int(stored["n_units"])
    names, n_windows = unit_names(n_units), len(starts)
    return SessionPart(
        source="bench",
        session_id="bench",
        path=folder / SPIKE_EVENTS_FILE,
        bin_us=BIN_US,
        binarised=False,
        base=starts,
        first_us=np.zeros(n_windows, dtype=np.int64),
        n_bins=np.full(n_windows, WINDOW_BINS),
        window_ids=np.arange(n_windows),
        start=starts,
        stop=starts + BIN_US * WINDOW_BINS / 1e6,
        valid=np.ones(n_windows, dtype=bool),
        unit_ids=np.array(names, dtype=object),
        regions=np.full(n_units, None, dtype=object),
        unit_numbers=np.arange(n_units),
        region_numbers=np.full(n_units, -1),
        unit_probe=np.zeros(n_units, dtype=np.int64),
        all_unit_ids=names,
        place=np.arange(n_units),
        probes=("probe00",),
        masked={},
    )


def unit_names(n_units: int) -> tuple[str, ...]:
    """Return the ids that the file has."""
    return tuple(f"u{row}" for row in range(n_units))


def counts(part: SessionPart) -> tuple[Callable[[], object], Callable[[], Arrays]]:
    """Count each window in bins of 20 ms, one after the other."""

    def read() -> None:
        for i in range(len(part.base)):
            part.counts(i)

    return read, lambda: {"counts": np.stack([part.counts(i) for i in range(len(part.base))])}


def events(part: SessionPart) -> tuple[Callable[[], object], Callable[[], Arrays]]:
    """Take the spikes of each window, one after the other."""

    def read() -> None:
        for i in range(len(part.base)):
            part.events(i)

    return read, lambda: joined([part.events(i) for i in range(len(part.base))])


def mapped(part: SessionPart) -> tuple[Callable[[], object], Callable[[], Arrays]]:
    """Copy what the map has of each window, as plain slices of numpy whose ends are known, and do nothing with it."""
    ends = np.searchsorted(part.open().times, np.stack([part.start, part.stop], axis=1))

    def slices(i: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
        held, (first, stop) = part.open(), ends[i]
        return held.times[first:stop].copy(), held.unit_row[first:stop].copy()

    def read() -> None:
        for i in range(len(ends)):
            slices(i)

    def found() -> Arrays:
        taken = [slices(i) for i in range(len(ends))]
        return joined([(times - start, units) for start, (times, units) in zip(part.base, taken, strict=True)])

    return read, found


class OneFile(WindowSet):
    """The windows of the input as a set: a set of a store has those of a preset."""

    def __init__(self, part: SessionPart, kind: Literal["counts", "events"]) -> None:
        self.preset, self.kind, self.parts = "random", kind, [part]
        self.vocabulary, self.images = Vocabulary(), None
        self._ends, self._numbers = np.array([len(part.start)]), [0]


def batched_counts(part: SessionPart) -> tuple[Callable[[], object], Callable[[], Arrays]]:
    """Take an epoch of batches in random order, as counts."""
    windows = OneFile(part, "counts")
    return _epoch(windows), lambda: {"counts": np.concatenate([_held(batch.counts) for batch in _in_order(windows)])}


def batched_events(part: SessionPart) -> tuple[Callable[[], object], Callable[[], Arrays]]:
    """Take an epoch of batches in random order, as spike events padded to the most of a batch."""
    windows = OneFile(part, "events")

    def found() -> Arrays:
        taken = []
        for batch in _in_order(windows):
            for times, units, there in zip(*map(_held, (batch.times, batch.unit_index, batch.spike_mask)), strict=True):
                taken.append((times[there], units[there]))
        return joined(taken)

    return _epoch(windows), found


def _epoch(windows: WindowSet) -> Callable[[], object]:
    batches = Batches(windows, BATCH_SIZE, seed=0)

    def take() -> None:
        for _ in batches:
            pass

    return take


def _in_order(windows: WindowSet) -> Iterator[Batch]:
    return iter(Batches(windows, BATCH_SIZE, shuffle=False))


def _held(array: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    assert array is not None
    return array


def joined(taken: list[tuple[npt.NDArray[np.float64], npt.NDArray[Any]]]) -> Arrays:
    """Return the spikes of all windows one behind the other, with where each window begins."""
    return {
        "offsets": np.cumsum([0, *(len(times) for times, _ in taken)]),
        "times": np.concatenate([times for times, _ in taken]),
        "units": np.concatenate([units for _, units in taken]).astype(np.int64),
    }


JOBS = {job.__name__: job for job in (counts, events, mapped, batched_counts, batched_events)}


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    part = session_part(Path(source))
    read, found = JOBS[name.removesuffix("_cold")](part)
    n_spikes = len(part.open().times)
    n_windows, n_units = len(part.base), len(part.unit_ids)
    np.savez(target, **found(), input=f"{n_spikes:,} spikes of {n_units:,} units, {n_windows:,} windows of 1 s")

    def forget() -> None:
        part._mapped = None
        gc.collect()
        forget_pages(part.path)
        part.open()

    read()
    take_turns(read, ("numpy", "numba", "h5py"), before=forget if name.endswith("_cold") else None)


if __name__ == "__main__":
    main()
