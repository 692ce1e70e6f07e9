"""Runs inside the ibllib environment: brainbox's unit metrics of one simulated session.

``python peer_ibllib_metrics.py quick_unit_metrics INPUT.npz OUTPUT.npz``, started by the harness. INPUT has times,
amplitudes and depths of spikes grouped by unit, and offsets; OUTPUT gets one array per column of `quick_unit_metrics`,
and with ``legacy`` in INPUT the refractory test of 2022-03. The order of time, in which brainbox takes spikes, is made
before a run is timed.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from brainbox.metrics.single_units import quick_unit_metrics, slidingRP_viol
from turns import take_turns


def main() -> None:
    warnings.simplefilter("ignore")
    _, source, target = sys.argv[1:4]
    with np.load(source) as stored:
        data = {name: stored[name] for name in stored.files}
    ids = np.arange(len(data["offsets"]) - 1)
    order = np.argsort(data["times"], kind="stable")
    clusters = np.repeat(ids, np.diff(data["offsets"]))[order]
    times, amps, depths = (data[name][order] for name in ("times", "amplitudes", "depths"))

    def job() -> Any:
        return quick_unit_metrics(clusters, times, amps, depths, cluster_ids=ids)

    columns = {name: np.asarray(values) for name, values in job().items()}
    if "legacy" in data:
        columns["slidingRP_viol_2022_03"] = np.array([slidingRP_viol(times[clusters == unit]) for unit in ids], float)
    np.savez(target, **columns)
    take_turns(job, ("ibllib", "slidingRP", "numpy"))


if __name__ == "__main__":
    main()
