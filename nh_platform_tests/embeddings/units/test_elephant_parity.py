"""elephant 1.2.1, run in its own environment on the same trains, gives the same statistics and pairs by lag."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nh_platform.embeddings import unit_embeddings
from nh_platform.embeddings.units.autocorrelograms import FINE_BIN_S, N_FINE, fine_pairs
from nh_platform_tests.windows.trains import spikes_of, units_of

pytestmark = pytest.mark.peer

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


def elephant(trains: list[np.ndarray], folder: Path) -> dict[str, np.ndarray]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    offsets = np.cumsum([0, *map(len, trains)])
    np.savez(folder / "in.npz", times=np.concatenate(trains), offsets=offsets, bin_s=FINE_BIN_S, n_bins=N_FINE)
    script = BENCHMARKS / "peer_elephant_features.py"
    assert run_in_peer("elephant", script, folder / "in.npz", folder / "out.npz").strip() == "1.2.1"
    with np.load(folder / "out.npz") as stored:
        return {name: stored[name] for name in stored.files}


def test_interval_statistics_and_autocorrelograms_are_elephants(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    # In the middle of bins of 0.5 ms, one spike a bin: elephant bins spikes and counts lags in bins.
    trains = []
    for shape, rate in ((1.0, 5.0), (0.5, 20.0), (4.0, 12.0), (1.0, 60.0)):
        at = np.unique(np.cumsum(rng.gamma(shape, 1 / (shape * rate), 3000)) // FINE_BIN_S)
        trains.append((at + 0.5) * FINE_BIN_S)
    peer = elephant(trains, tmp_path)
    table = unit_embeddings(spikes_of(*trains), units_of(*["probe00"] * len(trains)))
    for name in ("cv", "cv2", "lv", "lvr"):
        np.testing.assert_allclose(table[f"isi_{name}"], peer[name], rtol=3e-7, err_msg=name)  # float32
    for train, pairs in zip(trains, peer["pairs"]):
        assert fine_pairs(train, train[:1]).tolist() == pairs.tolist()
