"""Our decisions on units in the layouts of other tools: SpikeInterface's curation JSON and phy's TSV files.

Contains both texts. Add here another layout. What is decided stands in the units table; nothing is decided here.

Layouts: SpikeInterface 0.105, `curation/curation_model.py`, format 2; phy's documentation, page "dataset" (2026-08).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from nh_platform.session import ConfigError

QUALITY_OPTIONS = ("good", "MUA", "noise")
FailAs = Literal["mua", "noise"]
REVIEW = "nh_review"
"""Label set and column of the counted reviews, ``pass`` or ``fail``; its name is nobody else's in a phy folder."""


def quality(units: pd.DataFrame, rulebook: str, fail_as: FailAs = "mua") -> pd.Series:
    """Return ``good`` for every unit that passes a rulebook, reviews included, and ``fail_as`` for the others.

    A rulebook does not tell multi-unit activity from noise, so the person says which of the two a failed unit is.

    Raises
    ------
    ConfigError
        If the units were not judged by that rulebook.
    """
    column = f"pass.{rulebook}"
    if column not in units:
        judged = ", ".join(str(name).removeprefix("pass.") for name in units if str(name).startswith("pass."))
        found = f"these units were not judged by it; they were by {judged or 'none'}"
        raise ConfigError(f"rulebook {rulebook}", found, "Name one of these, or configure it and materialize.")
    return units[column].map({True: "good", False: fail_as})


def to_curation(
    units: pd.DataFrame,
    rulebook: str,
    *,
    fail_as: FailAs = "mua",
    by_cluster: bool = False,
    remove_failed: bool = False,
) -> str:
    """Return a curation of SpikeInterface, format 2.

    Its label sets are ``quality`` (good, MUA, noise; every unit) and ``nh_review`` (pass, fail; units of which reviews
    count).

    Parameters
    ----------
    units
        Table `UNITS`; of one probe where ``by_cluster``.
    rulebook
        Rulebook that decides, reviews included.
    fail_as
        What a failed unit is called.
    by_cluster
        Name units by cluster id, as a sorting of one probe has them, in place of unit id, which is what
        `SessionView.to_spikeinterface` gives.
    remove_failed
        Also list failed units under ``removed``, so that `apply_curation` takes them out.
    """
    word = {"good": "good", "mua": "MUA", "noise": "noise"}
    ids = units["cluster_id"].tolist() if by_cluster else units["unit_id"].astype(str).tolist()
    labels = []
    for unit, said, review in zip(ids, quality(units, rulebook, fail_as), units["review"]):
        entry: dict[str, object] = {"unit_id": unit, "quality": [word[said]]}
        if review in ("pass", "fail"):
            entry[REVIEW] = [review]
        labels.append(entry)
    removed = [unit for unit, passed in zip(ids, units[f"pass.{rulebook}"]) if remove_failed and not passed]
    content = {
        "format_version": "2",
        "unit_ids": ids,
        "label_definitions": {
            "quality": {"label_options": list(QUALITY_OPTIONS), "exclusive": True},
            REVIEW: {"label_options": ["pass", "fail"], "exclusive": True},
        },
        "manual_labels": labels,
        "removed": removed,
        "merges": [],
        "splits": [],
    }
    return json.dumps(content, indent=1) + "\n"


def to_phy(units: pd.DataFrame, rulebook: str, fail_as: FailAs = "mua") -> dict[str, str]:
    """Return phy's files for the units of one probe, text by name.

    ``cluster_group.tsv`` has the group of every unit, ``cluster_nh_review.tsv`` the counted reviews; the latter is
    left out where there are none.
    """
    clusters = units["cluster_id"].tolist()
    files = {"cluster_group.tsv": _tsv("group", clusters, quality(units, rulebook, fail_as).tolist())}
    reviewed = [(cluster, said) for cluster, said in zip(clusters, units["review"]) if said in ("pass", "fail")]
    if reviewed:
        files[f"cluster_{REVIEW}.tsv"] = _tsv(REVIEW, *zip(*reviewed))
    return files


def _tsv(column: str, clusters: Sequence[int], labels: Sequence[str]) -> str:
    rows = sorted(zip(clusters, labels))
    return "".join([f"cluster_id\t{column}\n", *(f"{cluster}\t{label}\n" for cluster, label in rows)])
