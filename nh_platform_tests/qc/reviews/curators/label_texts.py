"""Small files of labels, exactly as the tools write them.

Layouts: the page "dataset" of phy's documentation and a stored `cluster_group.tsv` of anoushkajain/UnitRefine
(tutorial/train_model/data); SpikeInterface's `curation/tests/test_curation_format.py` and `sv-sorting-curation.json`;
bombcell's `save_utils.py` (`df.to_csv` with its index) and `unit_quality_gui.py`; SpikeInterface's
`model_based_curation.py` and `unitrefine_curation.py`; the output that the README of
AllenNeuralDynamics/aind-ephys-unit-classifier names.
"""

from __future__ import annotations

import json
from typing import Any

PHY = "cluster_id\tgroup\n0\tnoise\n1\tgood\n2\tmua\n3\tunsorted\n"
PHY_INFO = (
    "cluster_id\tAmplitude\tContamPct\tKSLabel\tamp\tch\tdepth\tfr\tgroup\tn_spikes\tsh\n"
    "0\t1034.5\t2.1\tgood\t30.1\t12\t240.0\t1.2\tgood\t100\t0\n"
    "1\t934.5\t99.9\tmua\t20.1\t13\t260.0\t3.2\t\t101\t0\n"
)
BOMBCELL_TSV = "cluster_id\tbc_unitType\n0\tNOISE\n1\tGOOD\n2\tMUA\n3\tNON-SOMA\n4\t\n"
BOMBCELL_CSV = (
    ",phy_clusterID,maxChannels,nSpikes,presenceRatio,bc_unitType\n"
    "0,0,12,100,0.9,NOISE\n1,1,13,101,1.0,GOOD\n2,2,14,102,0.8,MUA\n"
)
BOMBCELL_MANUAL = (
    "unit_id,manual_classification,bombcell_classification,classification_source\n0,1,1,manual\n1,-1,2,bombcell\n"
)
UNITREFINE_CSV = ",unitrefine_label,unitrefine_probability\n0,noise,0.91\n1,sua,0.87\n2,mua,0.55\n"
UNITREFINE_PHY = "cluster_id\tprediction\tprobability\n0\tnoise\t0.91\n1\tgood\t0.87\n"
AIND_CSV = ",decoder_label,decoder_probability\n0,noise,0.91\n1,sua,0.87\n"

CURATION: dict[str, Any] = {
    "format_version": "2",
    "unit_ids": [0, 1, 2, 3, 4, 5],
    "label_definitions": {
        "quality": {"label_options": ["good", "noise", "MUA", "artifact"], "exclusive": True},
        "putative_type": {"label_options": ["excitatory", "inhibitory", "pyramidal"], "exclusive": False},
    },
    "manual_labels": [
        {"unit_id": 0, "quality": ["good"]},
        {"unit_id": 1, "quality": ["noise"], "putative_type": ["excitatory", "pyramidal"]},
        {"unit_id": 2, "putative_type": ["inhibitory"]},
    ],
    "merges": [{"unit_ids": [2, 3]}],
    "splits": [{"unit_id": 4, "mode": "indices", "indices": [[0, 1, 2], [3, 4]]}],
    "removed": [5],
}
CURATION_1: dict[str, Any] = {
    "format_version": "1",
    "unit_ids": ["0", "1", "2"],
    "label_definitions": {"quality": {"label_options": ["good", "noise"], "exclusive": "true"}},
    "manual_labels": [{"unit_id": "1", "labels": {"quality": ["good"]}}],
    "merge_unit_groups": [["0", "2"]],
    "removed_units": [],
}
SORTINGVIEW = {"labelsByUnit": {"2": ["mua"], "5": ["accept"], "8": ["artifact", "mua"]}, "mergeGroups": [[8, 9]]}


def as_bytes(curation: dict[str, Any]) -> bytes:
    """Return a curation as its file."""
    return json.dumps(curation, indent=4).encode()
