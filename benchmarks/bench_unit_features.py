"""Unit features: CPU seconds of a session's `unit_embeddings` and `optotagging` beyond reading it.

``python benchmarks/bench_unit_features.py [--window ID] [--repeat N]`` simulates a session (700 units, 70 min, about
11.5 million spikes) and describes its units on one thread, with the counts in bins of 20 ms that the chain has.
Compiled code is in memory before the clock runs. The same units are then judged by light: 30 pulses of 10 ms of one
level at the end of the session, as many as a Visual Coding session has at most, and the cost is printed per unit. Exit
1 where an aim is missed. Add a measurement of unit features here.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from aims import Aims

from nh_platform.embeddings import unit_embeddings
from nh_platform.embeddings.cell_types.optotagging import optotagged_units
from nh_platform.session import Spikes
from nh_platform.simulation.ground_truth import draw_units
from nh_platform.simulation.spike_trains import simulate_spikes
from nh_platform.windows.counts.binning import bin_session

N_UNITS, DURATION_S, MEAN_RATE_HZ = 700, 4200.0, 3.85
AIM_S = 1.0
N_PULSES = 30
LIGHT_AIM_MS = 1.0


def session() -> tuple[Spikes, pd.DataFrame]:
    """Return spikes and units of the session."""
    rng = np.random.default_rng(2022)
    truths = draw_units(rng, N_UNITS, first=0, duration_s=DURATION_S, mean_rate_hz=MEAN_RATE_HZ, depth_range_um=3840.0)
    made = simulate_spikes(np.random.default_rng(2023), truths, DURATION_S)
    units = pd.DataFrame({"unit_id": [f"u{k}" for k in range(N_UNITS)], "probe": "probe00"}, dtype=object)
    return Spikes(made.samples / 30000.0, made.offsets, made.amplitudes, made.depths), units


def light() -> pd.DataFrame:
    """Return optogenetic epochs, the last a minute before the end of the session."""
    start = DURATION_S - 60.0 - 2.0 * np.arange(N_PULSES)[::-1]
    return pd.DataFrame({"start_time": start, "stop_time": start + 0.01, "level": 1.0})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--window", default="whole-session", help="reference window")
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    spikes, units = session()
    grid = bin_session(spikes, 20_000)
    seconds = []
    for _ in range(asked.repeat + 1):
        started = time.process_time()
        table = unit_embeddings(spikes, units, asked.window, grid=grid)
        seconds.append(time.process_time() - started)
    print(f"{len(table)} units, {len(spikes.times):,} spikes, {len(table.columns)} columns, window {asked.window}")
    print(f"first call, with compiling or loading: {seconds[0]:.2f} CPU s")
    aims = Aims()
    aims.at_most("unit features", min(seconds[1:]), AIM_S, "CPU s")
    seconds = []
    for _ in range(asked.repeat + 1):
        started = time.process_time()
        judged, _ = optotagged_units(spikes, units, light())
        seconds.append(time.process_time() - started)
    print(f"optotagging: {int(judged['n_pulses'].max())} pulses, {min(seconds[1:]):.3f} CPU s in all")
    aims.at_most("optotagging per unit", 1e3 * min(seconds[1:]) / len(judged), LIGHT_AIM_MS, "CPU ms")
    aims.finish()


if __name__ == "__main__":
    main()
