"""Reviews of 700 units found again after a re-sort of 11.3 million spikes: which are found, CPU seconds and bytes.

``python benchmarks/bench_resorted_reviews.py`` draws the units of one probe, keeps a fingerprint of each, drops 1 % of
all spikes, gives every unit another id, and matches. Exit 1 where an aim is missed. Add here what else a re-sort does
to reviewed trains at the size of a real session; what it means for a review is tested beside the code.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from aims import Aims

from nh_platform.qc.reviews.resorted.carried_reviews import carried_trains
from nh_platform.qc.reviews.resorted.fingerprints import Fingerprint, stretches_of, to_text
from nh_platform.session import Spikes

N_UNITS = 700
DURATION_S = 4000.0
AIM_CPU_S, AIM_UNIT_BYTES = 5.0, 2000.0


def spikes_of(trains: list[np.ndarray]) -> Spikes:
    """Return trains as the spikes of a session."""
    times = np.concatenate(trains)
    offsets = np.concatenate([[0], np.cumsum([len(train) for train in trains])]).astype(np.int64)
    nothing = np.full(len(times), np.nan, dtype=np.float32)
    return Spikes(times, offsets, nothing, nothing)


def main() -> None:
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, DURATION_S, rng.integers(50, 32_000))) for _ in range(N_UNITS)]
    kept = [
        Fingerprint(f"u{unit}", "probe00", unit, len(train), "before", ("r1",), stretches_of(train))
        for unit, train in enumerate(trains)
    ]
    lines = to_text(kept).encode().splitlines()
    order = rng.permutation(N_UNITS)
    resorted = [trains[unit][rng.random(len(trains[unit])) >= 0.01] for unit in order]
    units = pd.DataFrame(
        {
            "unit_id": [f"u{unit}" for unit in range(N_UNITS)],
            "probe": "probe00",
            "cluster_id": range(N_UNITS),
            "n_spikes": [len(train) for train in resorted],
        }
    )
    spikes = spikes_of(resorted)
    carried_trains(kept[:1], units, spikes)  # compiles
    began, cpu = time.perf_counter(), time.process_time()
    found = carried_trains(kept, units, spikes)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    place = {int(unit): f"u{row}" for row, unit in enumerate(order)}
    right = sum(one.unit == place[unit] and one.standing != "orphan" for unit, one in enumerate(found))
    print(f"{N_UNITS} reviewed units, {len(spikes.times):,} spikes: {cpu:.2f} s CPU, {wall:.2f} s")
    print(f"least agreement {min(one.agreement for one in found):.3f}; {len(to_text(kept)) / N_UNITS:.0f} bytes a unit")
    aims = Aims()
    aims.at_least("units found again", right, N_UNITS, "units")
    aims.at_most("matching", cpu, AIM_CPU_S, "CPU s")
    aims.at_most("longest fingerprint", max(map(len, lines)), AIM_UNIT_BYTES, "bytes")
    aims.finish()


if __name__ == "__main__":
    main()
