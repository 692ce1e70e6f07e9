"""IBL metres and CCF micrometres agree with iblatlas both ways, and a point outside the volume is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.session import ConfigError
from nh_platform.sources.anatomy.coordinates import (
    CCF_EXTENT_UM,
    ccf_um_from_xyz_m,
    mirrored_ml_um,
    outside_ccf,
    xyz_m_from_ccf_um,
)

N_POINTS = 10_000


@pytest.fixture(scope="module")
def atlas() -> Any:
    from iblatlas.atlas import AllenAtlas

    return AllenAtlas(25, mock=True)  # else volumes are downloaded


def test_bregma_and_points_by_hand_in_the_order_ap_dv_ml() -> None:
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


def test_ten_thousand_random_points_equal_iblatlas_both_ways(atlas) -> None:
    ccf = np.random.default_rng(1).uniform((0, 0, 0), np.array(CCF_EXTENT_UM) - 1e-6, size=(N_POINTS, 3))
    xyz = np.stack(xyz_m_from_ccf_um(*ccf.T), axis=1)
    assert np.abs(xyz - atlas.ccf2xyz(ccf, ccf_order="apdvml")).max() <= 1e-12
    ours = np.stack(ccf_um_from_xyz_m(*xyz.T), axis=1)
    assert np.abs(ours - atlas.xyz2ccf(xyz, ccf_order="apdvml")).max() <= 1e-6
    assert np.abs(ours - ccf).max() <= 1e-6


def test_the_volume_is_that_of_iblatlas(atlas) -> None:
    n_ap, n_ml, n_dv = atlas.image.shape
    assert CCF_EXTENT_UM == (n_ap * 25, n_dv * 25, n_ml * 25) == (13_200, 8_000, 11_400)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("side", ["below", "above"])
def test_where_iblatlas_refuses_a_point_it_is_refused_here(atlas, axis: int, side: str) -> None:
    point = np.array(CCF_EXTENT_UM) / 2
    point[axis] = -1.0 if side == "below" else CCF_EXTENT_UM[axis] + 1.0
    xyz = np.array(xyz_m_from_ccf_um(*point, outside="keep"))
    with pytest.raises(ValueError, match="outside of the atlas"):
        atlas.xyz2ccf(xyz[np.newaxis])
    with pytest.raises(ConfigError, match="1 of 1 lie outside"):
        ccf_um_from_xyz_m(*xyz)
    with pytest.raises(ConfigError, match=r"bounds are ap 0 to 13,200, dv 0 to 8,000, ml 0 to 11,400 µm \(528 × 320"):
        xyz_m_from_ccf_um(*point)


def test_an_error_names_the_first_point_its_place_and_the_resolution() -> None:
    with pytest.raises(ConfigError) as caught:
        ccf_um_from_xyz_m([0.0, 0.0, 0.001], [0.0, 0.006, 0.007], 0.0)
    text = str(caught.value)
    assert "2 of 3 lie outside; the first, row 1 (from 0), is x 0, y 0.006, z 0" in text
    assert "in the CCF ap -600.0, dv 332.0, ml 5,739.0 µm" in text
    assert "voxels of 25 µm" in text


@pytest.mark.parametrize("unit", [1e3, 1e6])
def test_millimetres_and_micrometres_in_the_place_of_metres_are_guessed(unit: float) -> None:
    with pytest.raises(ConfigError, match="State x, y, z in metres from bregma"):
        ccf_um_from_xyz_m(-0.002 * unit, -0.0024 * unit, -0.003 * unit)


def test_points_outside_are_kept_or_nan_where_asked_for() -> None:
    x, y, z = np.array([-0.002, 0.0]), np.array([-0.0024, 0.0]), np.array([-0.003, 0.001])  # the second above the brain
    assert [axis[1] for axis in ccf_um_from_xyz_m(x, y, z, outside="keep")] == [5400, -668, 5739]
    found = np.stack(ccf_um_from_xyz_m(x, y, z, outside="nan"), axis=1)
    assert np.isnan(found[1]).all()
    assert found[0].tolist() == [7800, 3332, 3739]


def test_nan_stays_nan_and_infinity_is_outside() -> None:
    ap, dv, ml = ccf_um_from_xyz_m(np.nan, 0.0, 0.0)
    assert np.isnan(ml)
    assert (ap, dv) == (5400, 332)
    assert outside_ccf([np.nan, np.inf], 0, 0).tolist() == [False, True]


@given(st.tuples(*(st.floats(0, size, exclude_max=True) for size in CCF_EXTENT_UM)))
def test_there_and_back_is_where_it_began(point: tuple[float, float, float]) -> None:
    xyz = xyz_m_from_ccf_um(*point)
    assert np.allclose(ccf_um_from_xyz_m(*xyz, outside="keep"), point, atol=1e-6, rtol=0)


def test_the_mirror_keeps_the_middle_and_is_its_own_inverse() -> None:
    assert mirrored_ml_um(5700) == 5700
    assert mirrored_ml_um(mirrored_ml_um([1.0, 11_399.0])).tolist() == [1.0, 11_399.0]
