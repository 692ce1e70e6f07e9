"""Population states of a session: CPU seconds and peak memory of fitting, scoring and describing windows.

``python benchmarks/bench_window_embeddings.py [--repeat N]`` draws 700 units of 70 min with 11.5 million spikes, 200 of
them good and spread over ten regions, in the windows of `continuous-1s` and of 600 trials, and prints what
`window_embeddings` costs beyond reading. There is no peer: nobody stores population states of these data. The first
repeat loads scikit-learn, which every process pays once.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd

from nh_platform.embeddings.population import window_states
from nh_platform.session import Spikes
from nh_platform.session.tables.windows import WINDOW_INDEX

N_UNITS, N_GOOD, N_REGIONS, SECONDS, N_SPIKES, N_TRIALS = 700, 200, 10, 4200.0, 11_500_000, 600


def simulate() -> tuple[Spikes, pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Return spikes, units, which are good, and the index of windows."""
    rng = np.random.default_rng(0)
    share = rng.lognormal(0, 1, N_UNITS)
    counts = rng.multinomial(N_SPIKES, share / share.sum())
    times = np.concatenate([np.sort(rng.uniform(0, SECONDS, n)) for n in counts])
    nothing = np.zeros(len(times), dtype=np.float32)
    spikes = Spikes(times, np.concatenate([[0], np.cumsum(counts)]), nothing, nothing)
    regions = np.array([f"R{k}" for k in range(N_REGIONS)], dtype=object)[rng.integers(0, N_REGIONS, N_UNITS)]
    units = pd.DataFrame({"unit_id": [f"u{k}" for k in range(N_UNITS)], "probe": "probe00", "beryl": regions})
    good = np.zeros(N_UNITS, dtype=bool)
    good[rng.choice(N_UNITS, N_GOOD, replace=False)] = True
    seconds, trials = np.arange(int(SECONDS) - 1, dtype=float), np.sort(rng.uniform(5, SECONDS - 5, N_TRIALS))
    parts = [("continuous-1s", seconds, seconds + 1), ("stim-halves-500ms", trials - 0.5, trials + 0.5)]
    rows = [
        pd.DataFrame({"window_id": np.arange(len(start)), "preset": preset, "start": start, "stop": stop})
        for preset, start, stop in parts
    ]
    others = {"start_bin": -1, "n_bins": 50, "alignment": "none", "event_id": -1, "event_time": np.nan}
    index = pd.concat(rows, ignore_index=True).assign(**others, valid=True, invalid_probes="")
    return spikes, units, good, WINDOW_INDEX.conform(index)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    material = simulate()
    for number in range(repeat):
        started = time.process_time()
        found = window_states(*material)
        spent = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{number + 1}: {len(found.fits)} models, {len(found.windows)} windows: {spent:.2f} CPU s, {peak:.0f} MB")


if __name__ == "__main__":
    main()
