"""Runs inside the elephant environment: interval statistics and autocorrelograms of some spike trains.

``python peer_elephant_features.py INPUT.npz OUTPUT.npz``. INPUT has times (s), offsets, bin_s and n_bins; OUTPUT gets
cv, cv2, lv and lvr, (n_trains,) each, and pairs (n_trains, n_bins), the pairs of spikes by lag in bins from 0. Prints
the version.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import elephant
import neo
import numpy as np
import quantities as pq
from elephant.conversion import BinnedSpikeTrain
from elephant.spike_train_correlation import cross_correlation_histogram
from elephant.statistics import cv, cv2, isi, lv, lvr


def main(given: str, output: str) -> None:
    """Write what elephant says of each train."""
    with np.load(given) as data:
        times, offsets = data["times"], data["offsets"]
        bin_s, n_bins = float(data["bin_s"]), int(data["n_bins"])
    found: dict[str, list[object]] = {name: [] for name in ("cv", "cv2", "lv", "lvr", "pairs")}
    for first, end in pairwise(offsets):
        train = times[first:end]
        intervals = isi(train)
        found["cv"].append(cv(intervals))
        found["cv2"].append(cv2(intervals))
        found["lv"].append(lv(intervals))
        found["lvr"].append(lvr(intervals * pq.s, R=5 * pq.ms))
        stop = bin_s * (np.ceil(train[-1] / bin_s) + 1)
        spikes = neo.SpikeTrain(train, units="s", t_start=0 * pq.s, t_stop=stop * pq.s)
        binned = BinnedSpikeTrain(spikes, bin_size=bin_s * pq.s)
        histogram, lags = cross_correlation_histogram(binned, binned, window=[-n_bins, n_bins])
        counts = np.asarray(histogram.magnitude).ravel()
        pairs = counts[np.flatnonzero(lags == 0)[0] :][:n_bins].copy()
        pairs[0] = 0  # every spike with itself
        found["pairs"].append(pairs)
    np.savez(output, **{name: np.array(values) for name, values in found.items()})
    print(elephant.__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
