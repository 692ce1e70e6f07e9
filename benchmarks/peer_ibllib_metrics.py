"""Runs inside the ibllib environment: brainbox's unit metrics of one simulated session, with CPU time and memory.

``python peer_ibllib_metrics.py INPUT.npz OUTPUT.npz``. INPUT has times, clusters, amps, depths, cluster_ids; OUTPUT
gets one array per column of `quick_unit_metrics`, and with ``legacy`` in INPUT the refractory test of 2022-03. Prints
one JSON line with cpu_s and peak_bytes (of the call alone: the peak less what was in use before).
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from brainbox.metrics.single_units import quick_unit_metrics, slidingRP_viol


def status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def main() -> None:
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as stored:
        data = {name: stored[name] for name in stored.files}
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = status_bytes("VmRSS")
    start = time.process_time()
    metrics = quick_unit_metrics(
        data["clusters"], data["times"], data["amps"], data["depths"], cluster_ids=data["cluster_ids"]
    )
    cpu_s = time.process_time() - start
    peak = status_bytes("VmHWM")
    columns = {name: np.asarray(values) for name, values in metrics.items()}
    if "legacy" in data:
        columns["slidingRP_viol_2022_03"] = np.array(
            [slidingRP_viol(data["times"][data["clusters"] == unit]) for unit in data["cluster_ids"]], float
        )
    np.savez(sys.argv[2], **columns)
    print(json.dumps({"cpu_s": cpu_s, "peak_bytes": peak - before}))


if __name__ == "__main__":
    main()
