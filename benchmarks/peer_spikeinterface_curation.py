"""Runs in SpikeInterface's environment: what its own models make of curations, phy folders and two sortings.

``python peer_spikeinterface_curation.py FOLDER``. Reads ``curation*.json`` in FOLDER and writes the labels that
SpikeInterface reads from each as ``<name>.csv``; where there is ``sortings.npz`` (frames and unit numbers of two
sortings) writes ``agreement.npz`` with its agreement and its one-to-one match.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from spikeinterface.comparison import compare_two_sorters
from spikeinterface.core import NumpySorting
from spikeinterface.curation.curation_format import curation_label_to_dataframe, validate_curation_dict

RATE_HZ = 100_000  # ticks of 10 us, so that frames are the platform's ticks


def main(folder: Path) -> None:
    for path in sorted(folder.glob("curation*.json")):
        curation = json.loads(path.read_text())
        validate_curation_dict(curation)
        curation_label_to_dataframe(curation).to_csv(path.with_suffix(".csv"))
    if (folder / "sortings.npz").exists():
        given = np.load(folder / "sortings.npz")
        first, second = (
            NumpySorting.from_samples_and_labels([given[f"frames{n}"]], [given[f"units{n}"]], RATE_HZ) for n in (1, 2)
        )
        found = compare_two_sorters(first, second, delta_time=0.4, match_score=0.5, chance_score=0.1)
        np.savez(
            folder / "agreement.npz",
            agreement=found.agreement_scores.loc[first.unit_ids, second.unit_ids].to_numpy(),
            matched=np.array([int(found.hungarian_match_12[unit]) for unit in first.unit_ids]),
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
