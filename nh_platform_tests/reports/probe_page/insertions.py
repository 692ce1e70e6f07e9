"""Simulated insertions in the CCF volume for tests of the page: straight tracks through a few regions, with units.

Add here what several tests of the page need of insertions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.reading.searching.probe_positions import ProbePositions

N_CHANNELS = 384
REGIONS = ("VISp5", "CA1", "LGd-sh", "VPL", "MOp5", "CP", "SCm", "ANcr1", "PO", "ZI")
LABS = 12


def many_insertions(
    n: int, units_per_probe: int = 500, seed: int = 1, unlocated: int = 0
) -> tuple[pd.DataFrame, list[ProbePositions]]:
    """Return ``n`` insertions as `make_probe_page` takes them; of the last ``unlocated`` no position is known."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"pid{number:04d}" for number in range(n)], dtype=object)
    probes = pd.DataFrame(
        {
            "source": "ibl",
            "insertion_id": ids,
            "session_id": [f"eid{number // 2:04d}" for number in range(n)],
            "probe": [f"probe0{number % 2}" for number in range(n)],
            "subject": [f"mouse{number // 4}" for number in range(n)],
            "lab": [f"lab{number % LABS}" for number in range(n)],
            "date": "2022-03-01",
            "release": np.where(np.arange(n) % 3 == 0, "2022_Q4", "2024_Q2"),
        }
    )
    located = n - unlocated
    entry = np.column_stack([rng.uniform(3000, 9500, n), rng.uniform(500, 1500, n), rng.uniform(2200, 9200, n)])
    lean = rng.normal(0, 0.15, (n, 3)) + np.array([0, 1, 0])
    lean /= np.linalg.norm(lean, axis=1, keepdims=True)
    depth = 3840.0 - 10.0 * np.arange(N_CHANNELS)  # the first channel is at the tip
    places = entry[:, None, :] + lean[:, None, :] * depth[None, :, None]
    region = (np.arange(N_CHANNELS) // 64)[None, :] + rng.integers(0, len(REGIONS), n)[:, None]
    acronym = np.array(REGIONS, dtype=object)[region % len(REGIONS)]

    def rows(channel: np.ndarray) -> pd.DataFrame:
        """Return rows at these channels, (located, any)."""
        at = np.repeat(np.arange(located), channel.shape[1])
        which = channel.reshape(-1)
        ap, dv, ml = places[at, which].T
        columns = {"source": "ibl", "insertion_id": ids[at], "ap_um": ap, "dv_um": dv, "ml_um": ml}
        return pd.DataFrame({**columns, "acronym": acronym[at, which], "along": which.astype(float)})

    channels = rows(np.tile(np.arange(N_CHANNELS), (located, 1)))
    units = rows(rng.integers(0, N_CHANNELS, (located, units_per_probe))).drop(columns="along")
    label = rng.choice(["pass", "fail"], len(units), p=[0.12, 0.88])
    units = units.assign(unit_id=[str(number) for number in range(len(units))], label=label)
    why = dict.fromkeys(ids[located:], "upstream states no final position")
    return probes, [ProbePositions(channels, units, why, ("label of the release",))]
