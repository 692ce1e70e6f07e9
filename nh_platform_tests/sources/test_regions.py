"""Regions and coordinates agree with iblatlas, and no id is ever dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nh_platform.sources.regions import ccf_um_from_xyz_m, regions_of_acronyms, regions_of_ids, xyz_m_from_ccf_um


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


def test_coordinates_equal_iblatlas_in_the_order_ap_dv_ml() -> None:
    from iblatlas.atlas import ALLEN_CCF_LANDMARKS_MLAPDV_UM

    assert ALLEN_CCF_LANDMARKS_MLAPDV_UM["bregma"].tolist() == [5739, 5400, 332]
    # (x, y, z) µm → (ml, ap, dv) µm, read from iblatlas 1.3.0 `xyz2ccf`
    table = {
        (0, 0, 0): (5739, 5400, 332),
        (-2000, -2400, -3000): (3739, 7800, 3332),
        (1000, 3000, -200): (6739, 2400, 532),
        (-5739, 0, 0): (0, 5400, 332),
    }
    for xyz, (ml, ap, dv) in table.items():
        assert np.allclose(ccf_um_from_xyz_m(*np.array(xyz) / 1e6), (ap, dv, ml), atol=1e-9)


def test_coordinates_equal_iblatlas_on_random_points() -> None:
    from iblatlas.atlas import get_bc

    step = 25  # µm; any resolution gives the same numbers
    coordinates = get_bc(step)
    low, high = np.array([-5700, -7700, -7600]) / 1e6, np.array([5600, 5300, 300]) / 1e6
    xyz = np.random.default_rng(1).uniform(low, high, size=(500, 3))
    ml, ap, dv = (coordinates.xyz2i(xyz, round=False) * step).T
    theirs = np.stack([ap, dv, ml], axis=1)
    assert np.abs(np.stack(ccf_um_from_xyz_m(*xyz.T), axis=1) - theirs).max() < 1e-6
    assert np.abs(np.stack(xyz_m_from_ccf_um(*theirs.T), axis=1) - xyz).max() < 1e-12
