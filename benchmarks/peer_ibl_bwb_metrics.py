"""Runs inside the ibl_bwb_eval environment: that benchmark's metrics of arrays.

``python peer_ibl_bwb_metrics.py INPUT.npz OUTPUT.json``. INPUT has arrays ``<case>/<task>/predictions`` and
``…/targets``, where a case is a name and a task one of the benchmark's; OUTPUT has the metrics by ``<case>/<task>``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from ibl_bwb_eval import get_ts1_readout_spec, get_ts2_readout_spec, get_ts3_readout_spec
from ibl_bwb_eval.metrics import aggregate_metrics


def main() -> None:
    found = {}
    with np.load(sys.argv[1]) as stored:
        for key in sorted({name.rpartition("/")[0] for name in stored.files}):
            predictions, targets = stored[f"{key}/predictions"], stored[f"{key}/targets"]
            suite, _, task = key.rpartition("/")[2].partition("-")
            if suite == "ts3":
                spec = get_ts3_readout_spec(task)
                names = np.array(spec.label_names)
                found[key] = spec.score(names[targets].tolist(), names[predictions.argmax(axis=1)].tolist())
                continue
            spec = get_ts1_readout_spec(task) if suite == "ts1" else get_ts2_readout_spec(task)
            metrics = {name: make() for name, make in spec.metrics.items()}
            for metric in metrics.values():
                metric.update(torch.from_numpy(predictions), torch.from_numpy(targets))
            found[key] = aggregate_metrics(metrics)
    Path(sys.argv[2]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
