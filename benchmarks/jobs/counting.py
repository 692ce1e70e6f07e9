"""The platform's side, and plain numpy's, of rows that count spikes in bins and around events.

``python -m benchmarks.jobs.counting JOB INPUT.npz OUTPUT.npz``, started by the harness. INPUT is what
`benchmarks.rows.counting` writes; OUTPUT gets ``counts`` and ``input``, words on how much was counted. Add a job here
when another kernel of `nh_platform.windows` is compared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.turns import take_turns
from nh_platform.session import Spikes
from nh_platform.windows import bin_events, bin_session
from nh_platform.windows.counts.binning import bin_edges, binarise
from nh_platform.windows.time_order import count_window, first_spike_at, ordered_spikes

Counts = npt.NDArray[Any]
Job = Callable[[], Counts]


def session_grid(given: dict[str, Any], spikes: Spikes) -> Job:
    """Count the whole session in bins."""
    n_bins = _n_bins(given)
    # A copy each time: a `Spikes` finds its recorded time once.
    return lambda: bin_session(replace(spikes), int(given["bin_us"]), 0, n_bins).counts


def event_windows(given: dict[str, Any], spikes: Spikes) -> Job:
    """Count around events, from spikes grouped by unit."""
    start_us, n_bins, bin_us = (int(given[name]) for name in ("event_start_us", "event_bins", "event_bin_us"))
    return lambda: bin_events(replace(spikes), given["events"], start_us, n_bins, bin_us).counts


def event_windows_in_time(given: dict[str, Any], spikes: Spikes) -> Job:
    """Count around events as the loader does, from spikes in the order of time."""
    times, rows, start_second, second_offsets = ordered_spikes(spikes)
    edges = bin_edges(int(given["event_start_us"]), int(given["event_bins"]), int(given["event_bin_us"]))
    place, n_bins = np.arange(spikes.n_units), len(edges) - 1

    def count() -> Counts:
        out = np.zeros((len(given["events"]), spikes.n_units, n_bins), dtype=np.uint8)
        for window, event in enumerate(given["events"]):
            first = first_spike_at(times, start_second, second_offsets, event + edges[0])
            count_window(times, rows, first, event, edges, place, out[window])
        return out

    return count


def sliding_windows(given: dict[str, Any], spikes: Spikes) -> Job:
    """Count the stretch once in bins, and copy each window out of them, as a preset with a step is read."""
    first_us, n_bins, bin_us = _stretch(given)
    first_s = np.array([first_us / 1e6])
    return lambda: _windows_of(bin_events(replace(spikes), first_s, 0, n_bins, bin_us).counts[0], given)


def numpy_sliding(given: dict[str, Any], spikes: Spikes) -> Job:
    """Do the same in plain numpy."""
    first_us, n_bins, bin_us = _stretch(given)
    unit, times, n_units = given["unit"], given["times"], spikes.n_units

    def count() -> Counts:
        first, stop = np.searchsorted(times, [first_us / 1e6, (first_us + n_bins * bin_us) / 1e6])
        place = unit[first:stop] * n_bins + ((times[first:stop] - first_us / 1e6) / (bin_us / 1e6)).astype(np.int64)
        counts = np.bincount(place, minlength=n_units * n_bins).reshape(n_units, n_bins)
        return _windows_of(counts.astype(np.uint8), given)

    return count


def _stretch(given: dict[str, Any]) -> tuple[int, int, int]:
    """Return the begin (µs) of the first sliding window, the bins up to the end of the last, and their width (µs)."""
    bin_us, step_us, n_windows = int(given["event_bin_us"]), int(given["step_us"]), len(given["events"])
    n_bins = (n_windows - 1) * step_us // bin_us + int(given["event_bins"])
    return round(float(given["events"][0]) * 1e6), n_bins, bin_us


def _windows_of(counts: Counts, given: dict[str, Any]) -> Counts:
    step = int(given["step_us"]) // int(given["event_bin_us"])
    windows = np.lib.stride_tricks.sliding_window_view(counts, int(given["event_bins"]), axis=1)[:, ::step]
    return np.ascontiguousarray(windows.swapaxes(0, 1))


def binarised(given: dict[str, Any], spikes: Spikes) -> Job:
    """Say for every millisecond around events whether there was a spike."""
    start_us, n_bins = int(given["event_start_us"]), int(given["event_bins"]) * int(given["event_bin_us"]) // 1000
    return lambda: binarise(bin_events(replace(spikes), given["events"][:100], start_us, n_bins, 1000).counts)


def numpy_bincount(given: dict[str, Any], spikes: Spikes) -> Job:
    """Count the whole session with one flat `numpy.bincount`: what a careful user writes in two lines."""
    n_bins, bin_s = _n_bins(given), int(given["bin_us"]) / 1e6
    unit, n_units = given["unit"], spikes.n_units

    def count() -> Counts:
        place = unit * n_bins + (given["times"] / bin_s).astype(np.int64)
        return np.bincount(place, minlength=n_units * n_bins).reshape(n_units, n_bins)

    return count


JOBS = {
    job.__name__: job
    for job in (
        session_grid,
        event_windows,
        event_windows_in_time,
        sliding_windows,
        binarised,
        numpy_bincount,
        numpy_sliding,
    )
}


def _n_bins(given: dict[str, Any]) -> int:
    return round(float(given["stop"]) * 1e6) // int(given["bin_us"])


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    with np.load(source) as stored:
        given = {key: stored[key] for key in stored.files}
    nothing = np.zeros(len(given["grouped_times"]), dtype=np.float32)
    job = JOBS[name](given, Spikes(given["grouped_times"], given["offsets"], nothing, nothing))
    counts = np.minimum(job(), 255).astype(np.uint8)
    words = f"{len(nothing):,} spikes, {' x '.join(f'{n:,}' for n in counts.shape)} counts"
    np.savez(target, counts=counts, input=words)
    del counts
    take_turns(job, ("numpy", "numba"))


if __name__ == "__main__":
    main()
