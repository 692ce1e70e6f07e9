"""SpikeInterface accepts our curations, reads the labels that we read, and agrees as we do on spike trains."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.reviews.curators.curation_json import read_curation
from nh_platform.qc.reviews.curators.label_exporting import to_curation
from nh_platform.qc.reviews.resorted.spike_agreement import BY_CHANCE, agreements, matched_units
from nh_platform_tests.qc.reviews.curators import label_texts as texts

pytestmark = pytest.mark.peer

BENCHMARKS = Path(__file__).resolve().parents[4] / "benchmarks"


def _run(folder: Path) -> None:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    run_in_peer("spikeinterface", BENCHMARKS / "peer_spikeinterface_curation.py", folder)


def test_exported_curations_are_valid_and_imported_ones_are_read_alike(tmp_path: Path) -> None:
    units = pd.DataFrame(
        {
            "unit_id": ["u0", "u1", "u2"],
            "cluster_id": [4, 7, 9],
            "review": ["pass", "none", "fail"],
            "pass.book": [True, True, False],
        }
    )
    (tmp_path / "curation_ours.json").write_text(to_curation(units, "book", remove_failed=True))
    (tmp_path / "curation_clusters.json").write_text(to_curation(units, "book", fail_as="noise", by_cluster=True))
    theirs = {**texts.CURATION, "merges": [], "splits": []}
    (tmp_path / "curation_theirs.json").write_text(json.dumps(theirs))
    _run(tmp_path)
    ours = pd.read_csv(tmp_path / "curation_ours.csv", index_col=0, keep_default_na=False)
    assert ours.index.tolist() == ["u0", "u1", "u2"]
    assert ours["quality"].tolist() == ["good", "good", "MUA"]
    assert ours["nh_review"].tolist() == ["pass", "", "fail"]
    clusters = pd.read_csv(tmp_path / "curation_clusters.csv", index_col=0, keep_default_na=False)
    assert clusters["quality"].to_dict() == {4: "good", 7: "good", 9: "noise"}
    read = pd.read_csv(tmp_path / "curation_theirs.csv", index_col=0, keep_default_na=False)
    for unit in read_curation(json.dumps(theirs).encode(), "curation.json").units:
        row = read.loc[int(unit.id)]
        assert row["quality"] == unit.labels.get("quality", "")
        given = unit.labels.get("putative_type", [])
        assert [word for word in ("excitatory", "inhibitory", "pyramidal") if row[word]] == given


def test_agreement_and_match_are_those_of_spikeinterface(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    first = [np.unique(rng.integers(0, 60_000_000, n)) for n in (400, 900, 1500, 200, 50)]
    jitter = [np.sort(train + rng.integers(-45, 46, len(train))) for train in first]
    second = [
        jitter[2],
        np.sort(np.concatenate([jitter[0], jitter[1]])),
        jitter[3][rng.random(len(jitter[3])) < 0.7],
        np.unique(rng.integers(0, 60_000_000, 700)),
    ]
    given = {}
    for number, trains in ((1, first), (2, second)):
        given[f"units{number}"] = np.repeat(np.arange(len(trains)), list(map(len, trains)))
        given[f"frames{number}"] = np.concatenate(trains)
    for number in (1, 2):
        order = np.argsort(given[f"frames{number}"], kind="stable")
        given[f"units{number}"], given[f"frames{number}"] = (
            given[f"{key}{number}"][order] for key in ("units", "frames")
        )
    np.savez(tmp_path / "sortings.npz", **given)
    _run(tmp_path)
    theirs = np.load(tmp_path / "agreement.npz")
    everything = [np.array([0]), np.array([60_001_000])]  # the stretch is the whole recording
    found = np.zeros((len(first), len(second)))
    for row, train in enumerate(first):
        stretch = np.concatenate([everything[0] - 1_000, train, everything[1]])
        own = agreements([stretch], np.array([0]), 1, second)[0]
        n_other = np.array([len(other) for other in second])
        matches = own * (len(stretch) + n_other) / (1 + own)
        found[row] = matches / (len(train) + n_other - matches)
    sure = theirs["agreement"] >= 2 * BY_CHANCE
    assert sure.sum() >= 4
    np.testing.assert_allclose(found[sure], theirs["agreement"][sure], rtol=1e-12)
    assert matched_units(np.where(sure, found, 0)).tolist() == theirs["matched"].tolist()
