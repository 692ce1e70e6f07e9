"""Runs inside the environment of a peer library: its spike counts of one session.

``python peer_binning.py JOB INPUT.npz OUTPUT.npz``, started by the harness. INPUT has times (s) and unit (int64) of
every spike in the order of time, n_units, events (s), stop (s), bin_us of the session, and event_start_us, event_bins
and event_bin_us around events. OUTPUT gets counts, uint8 (n_units, n_bins) or (n_events, n_units, n_bins). What a
library makes of the arrays before it counts is not timed. Add a job here when another function of a peer is compared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from turns import take_turns

Job = Callable[[], Any]
Arrays = dict[str, Any]


def as_it_is(counts: Any) -> Any:
    return counts


def brainbox_bincount2d(given: Arrays) -> tuple[Job, Job]:
    from brainbox.processing import bincount2D

    def in_rows(found: Any) -> Any:
        counts = np.zeros((given["n_units"], found[0].shape[1]), dtype=found[0].dtype)
        counts[found[2]] = found[0]
        return counts

    # As brainbox calls it itself: it looks for the units that have spikes.
    return lambda: bincount2D(given["times"], given["unit"], bin_s(given), xlim=[0.0, given["stop"]]), in_rows


def brainbox_bincount2d_ybin_1(given: Arrays) -> tuple[Job, Job]:
    from brainbox.processing import bincount2D

    # Units that are 0 to n - 1 are bins of width 1: nothing is looked for.
    limits = {"xlim": [0.0, given["stop"]], "ylim": [0, given["n_units"] - 1]}
    return lambda: bincount2D(given["times"], given["unit"], bin_s(given), 1, **limits)[0], as_it_is


def pynapple_count(given: Arrays) -> tuple[Job, Job]:
    import pynapple

    order = np.argsort(given["unit"], kind="stable")
    cut = np.searchsorted(given["unit"][order], np.arange(1, given["n_units"]))
    trains = np.split(given["times"][order], cut)
    span = pynapple.IntervalSet(0.0, given["stop"])
    group = pynapple.TsGroup({k: pynapple.Ts(train) for k, train in enumerate(trains)}, time_support=span)
    return lambda: group.count(bin_s(given)), lambda counts: counts.values.T


def torch_brain_bin_spikes(given: Arrays) -> tuple[Job, Job]:
    from torch_brain.data import Interval, IrregularTimeSeries
    from torch_brain.utils.binning import bin_spikes

    domain = Interval(0.0, given["stop"])
    spikes = IrregularTimeSeries(timestamps=given["times"], unit_index=given["unit"], domain=domain)
    n_units, width = given["n_units"], bin_s(given)
    return lambda: bin_spikes(spikes, num_units=n_units, bin_size=width), lambda counts: counts.T


def brainbox_bin_spikes2d(given: Arrays) -> tuple[Job, Job]:
    from brainbox.singlecell import bin_spikes2D

    units, window = np.arange(given["n_units"]), around_events(given)
    return lambda: bin_spikes2D(given["times"], given["unit"], units, given["events"], *window)[0], as_it_is


def brainbox_calculate_peths(given: Arrays) -> tuple[Job, Job]:
    from brainbox.singlecell import calculate_peths

    units, window = np.arange(given["n_units"]), around_events(given)
    plain = {"smoothing": 0, "return_fr": False}
    return (
        lambda: calculate_peths(given["times"], given["unit"], units, given["events"], *window, **plain)[1],
        as_it_is,
    )


def elephant_binned(given: Arrays) -> tuple[Job, Job]:
    import quantities
    from elephant.conversion import BinnedSpikeTrain

    trains, width = neo_trains(given), bin_s(given) * quantities.s
    return lambda: BinnedSpikeTrain(trains, bin_size=width).sparse_matrix.toarray(), as_it_is


def elephant_binarised(given: Arrays) -> tuple[Job, Job]:
    import quantities
    from elephant.conversion import BinnedSpikeTrain

    trains, width = neo_trains(given), 1e-3 * quantities.s
    before_s, after_s, _ = around_events(given)

    def count() -> Any:
        windows = ((event - before_s, event + after_s) * quantities.s for event in given["events"][:100])
        cut = ([train.time_slice(*window) for train in trains] for window in windows)
        # A window's length is a multiple of the bin but for a float's rounding.
        return np.stack([BinnedSpikeTrain(one, bin_size=width, tolerance=1e-6).to_bool_array() for one in cut])

    return count, as_it_is


def neo_trains(given: Arrays) -> list[Any]:
    import neo
    import quantities

    order = np.argsort(given["unit"], kind="stable")
    cut = np.searchsorted(given["unit"][order], np.arange(1, given["n_units"]))
    stop = given["stop"] * quantities.s
    return [neo.SpikeTrain(one, units="s", t_stop=stop) for one in np.split(given["times"][order], cut)]


JOBS = {
    job.__name__: job
    for job in (
        brainbox_bincount2d,
        brainbox_bincount2d_ybin_1,
        pynapple_count,
        torch_brain_bin_spikes,
        brainbox_bin_spikes2d,
        brainbox_calculate_peths,
        elephant_binned,
        elephant_binarised,
    )
}
PACKAGES = {
    "brainbox": ("ibllib", "numpy"),
    "elephant": ("elephant", "neo"),
    "pynapple": ("pynapple", "numpy"),
    "torch": ("torch-brain", "torch"),
}


def bin_s(given: Arrays) -> float:
    return float(given["bin_us"] / 1e6)


def around_events(given: Arrays) -> tuple[float, float, float]:
    start_us, bin_us = given["event_start_us"], given["event_bin_us"]
    return -start_us / 1e6, (start_us + given["event_bins"] * bin_us) / 1e6, bin_us / 1e6


def main() -> None:
    name, source, target = sys.argv[1:4]
    with np.load(source) as stored:
        given: Arrays = {key: stored[key] if stored[key].ndim else stored[key].item() for key in stored.files}
    count, as_ours = JOBS[name](given)
    first = count()  # not timed: pynapple compiles its loop at the first call
    np.savez(target, counts=np.minimum(as_ours(first), 255).astype(np.uint8))
    del first
    take_turns(count, PACKAGES[name.split("_")[0]])


if __name__ == "__main__":
    main()
