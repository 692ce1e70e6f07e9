"""Regions agree with iblatlas, and no id is ever dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nh_platform.sources.anatomy.regions import regions_of_acronyms, regions_of_ids


@pytest.fixture(scope="module")
def atlas() -> Any:
    from iblatlas.regions import BrainRegions

    return BrainRegions()


def test_every_region_maps_as_iblatlas_maps_it(atlas) -> None:
    ids = atlas.id[atlas.id >= 0]
    ours = regions_of_ids(ids)
    assert ours["known"].all()
    assert ours["acronym"].tolist() == atlas.id2acronym(ids).tolist()
    for name, mapping in (("beryl", "Beryl"), ("cosmos", "Cosmos")):
        theirs = atlas.id2acronym(atlas.remap(ids, source_map="Allen", target_map=mapping))
        assert ours[name].tolist() == theirs.tolist()
    assert ours["beryl"].nunique() == 308
    assert ours["cosmos"].nunique() == 12


def test_left_hemisphere_ids_are_the_same_structures() -> None:
    both = regions_of_ids([382, -382])
    assert both["atlas_id"].tolist() == [382, 382]
    assert both["acronym"].tolist() == ["CA1", "CA1"]


def test_an_unknown_id_stays_in_its_row_where_iblatlas_drops_it(atlas) -> None:
    ids = [382, 999999999, 1020]
    assert len(atlas.remap(np.array(ids))) == 2
    ours = regions_of_ids(ids)
    assert ours["atlas_id"].tolist() == ids
    assert ours["known"].tolist() == [True, False, True]
    assert ours["acronym"].tolist() == ["CA1", None, "PO"]


def test_void_and_root_are_regions() -> None:
    assert regions_of_ids([0, 997])[["acronym", "beryl", "cosmos"]].values.tolist() == [["void"] * 3, ["root"] * 3]


def test_acronyms_unlocated_and_unknown_are_told_apart() -> None:
    ours = regions_of_acronyms(["VISp2/3", "", "None", float("nan"), None, "root", "NotARegion"])
    assert ours["atlas_id"].tolist() == [821, 0, 0, 0, 0, 997, 0]
    assert ours["beryl"].tolist() == ["VISp", None, None, None, None, "root", None]
    assert ours["acronym"].tolist() == ["VISp2/3", None, None, None, None, "root", "NotARegion"]
    assert ours["known"].tolist() == [True, True, True, True, True, True, False]


@pytest.mark.parametrize("function", [regions_of_ids, regions_of_acronyms])
def test_no_rows_in_no_rows_out(function) -> None:
    frame = function([])
    assert frame.columns.tolist() == ["atlas_id", "acronym", "beryl", "cosmos", "known"]
    assert len(frame) == 0
    assert frame["atlas_id"].dtype == np.int64
