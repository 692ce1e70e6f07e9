"""Runs inside the ibl_bwb_eval environment: that benchmark's own scorers on files of predictions and ground truth.

``python peer_ibl_bwb_scores.py PREDICTIONS TRUTH OUTPUT.json``. OUTPUT has the metrics of every file by suite, as
[label, task, recording, seed, metrics], and what the scorers printed: a file with an error they pass over, and say so.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

from ibl_bwb_eval.scoring import ts1, ts2, ts3


def main() -> None:
    predictions, truth, output = map(Path, sys.argv[1:4])
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        found = {
            "ts1": [[*key, metrics] for key, metrics in ts1.score_dir(predictions, truth).items()],
            "ts2": [[*key, metrics] for key, metrics in ts2.score_dir(predictions, truth).items()],
            "ts3": [
                [label, "ts3-unit_cosmos", "all", seed, metrics]
                for (label, seed), metrics in ts3.score_dir(predictions, truth).items()
            ],
        }
    output.write_text(json.dumps({"scores": found, "said": said.getvalue()}))


if __name__ == "__main__":
    main()
