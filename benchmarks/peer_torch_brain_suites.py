"""Runs inside the torch_brain environment: windows, samples and counts as BrainWideBench's data sets take them.

``python peer_torch_brain_suites.py INPUT.npz OUTPUT.npz``. INPUT has the stretches (n, 2) that windows of 1 s at a
stride of 20 ms lie in, the start of a signal of n_samples at 50 Hz, the starts of windows of it, and spikes (s,
ascending) with their units. OUTPUT has the starts of the sampler's windows, the rows of the first and the last sample
of each window of the signal, and the counts of the sampler's first windows.
"""

from __future__ import annotations

import sys

import numpy as np
from torch_brain.data import Interval, IrregularTimeSeries, RegularTimeSeries
from torch_brain.samplers import SequentialFixedWindowSampler
from torch_brain.utils.binning import bin_spikes

N_COMPARED = 200


def main() -> None:
    with np.load(sys.argv[1]) as given:
        stretches, starts = given["stretches"], given["starts"]
        signal = RegularTimeSeries(
            sampling_rate=50.0, domain_start=float(given["grid_start"]), row=np.arange(int(given["n_samples"]))
        )
        times, units, n_units = given["times"], given["units"].astype(np.int64), int(given["n_units"])
    intervals = {"session": Interval(stretches[:, 0].copy(), stretches[:, 1].copy())}
    sampler = SequentialFixedWindowSampler(sampling_intervals=intervals, window_length=1.0, step=0.02)
    windows = list(sampler)
    rows = [signal.slice(float(start), float(start) + 1.0).row for start in starts]
    spikes = IrregularTimeSeries(timestamps=times, unit_index=units, domain=Interval(0.0, float(times[-1]) + 1.0))
    counts = [
        bin_spikes(spikes.slice(one.start, one.end), num_units=n_units, bin_size=0.02) for one in windows[:N_COMPARED]
    ]
    np.savez(
        sys.argv[2],
        starts=[one.start for one in windows],
        rows=np.array([(one[0], one[-1], len(one)) for one in rows]),
        counts=np.stack(counts),
    )


if __name__ == "__main__":
    main()
