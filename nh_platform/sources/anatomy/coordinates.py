"""IBL metres ↔ Allen CCF micrometres, the bounds of the CCF volume, and its two hemispheres.

Every position that the platform converts goes through here. Add a frame here when a source states positions in one
more. Which way a source counts ML is said by its entry (`nh_platform.sources.entry.SourceEntry`, ``ml_towards``).

The CCF volume begins in front, on top and on the left: AP counts to the back, DV down, ML from the animal's left to its
right (PIR in the Allen Institute's documentation of the reference space; ``xyz2ccf`` of iblatlas 1.3.0). The volume is
symmetric about its middle, and Allen's own recordings count ML from right to left; see docs/coordinates.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError

BREGMA_ML_UM, BREGMA_AP_UM, BREGMA_DV_UM = 5739.0, 5400.0, 332.0
"""Bregma in CCF µm (iblatlas 1.3.0, ``ALLEN_CCF_LANDMARKS_MLAPDV_UM['bregma']``)."""

CCF_RESOLUTION_UM = 25.0
CCF_VOXELS = (528, 320, 456)
"""Voxels of the CCF volume along AP, DV, ML at `CCF_RESOLUTION_UM`; at 10 and 50 µm it is as large in µm."""

CCF_EXTENT_UM = tuple(n * CCF_RESOLUTION_UM for n in CCF_VOXELS)
"""Size of the CCF volume along AP, DV, ML: 13,200 × 8,000 × 11,400 µm. A position lies in ``0 <= value < size``."""

MIDLINE_ML_UM = CCF_EXTENT_UM[2] / 2
"""ML of the plane about which the volume is symmetric. IBL's bregma lies 39 µm to the right of it."""

CCF_AXES, IBL_AXES = ("ap", "dv", "ml"), ("x", "y", "z")

M_TO_UM = 1e6

Outside = Literal["raise", "keep", "nan"]
"""What becomes of a point outside the CCF volume: an error, the converted point, or NaN on all axes."""

FloatArray = npt.NDArray[np.float64]
Triple = tuple[FloatArray, FloatArray, FloatArray]

_LARGEST_M = 0.1
"""A brain is smaller: what is larger is no metre, but mm or µm."""


def ccf_um_from_xyz_m(x: npt.ArrayLike, y: npt.ArrayLike, z: npt.ArrayLike, *, outside: Outside = "raise") -> Triple:
    """Convert IBL coordinates to Allen CCF.

    The formula of iblatlas 1.3.0 (``AllenAtlas.xyz2ccf``): a shift and a flip, no rotation, no scaling.

    Parameters
    ----------
    x, y, z
        Metres from bregma, of one shape or broadcast to one; right, anterior and dorsal positive. NaN stays NaN.
    outside
        What becomes of points outside the CCF volume. Channels above the brain lie there, so that sources keep them.

    Returns
    -------
    ap, dv, ml
        float64 µm in the CCF, in this order (``ccf_order='apdvml'`` of iblatlas); anterior to posterior, dorsal to
        ventral, left to right.

    Raises
    ------
    ConfigError
        If a point lies outside and ``outside`` is ``raise``; the text has the point, the bounds and the resolution.

    Examples
    --------
    >>> [float(axis) for axis in ccf_um_from_xyz_m(-0.002, -0.0024, -0.003)]
    [7800.0, 3332.0, 3739.0]
    """
    x, y, z = _arrays(x, y, z)
    ap = BREGMA_AP_UM - M_TO_UM * y
    dv = BREGMA_DV_UM - M_TO_UM * z
    ml = M_TO_UM * x + BREGMA_ML_UM
    return _bounded((ap, dv, ml), (ap, dv, ml), dict(zip(IBL_AXES, (x, y, z))), outside)


def xyz_m_from_ccf_um(ap: npt.ArrayLike, dv: npt.ArrayLike, ml: npt.ArrayLike, *, outside: Outside = "raise") -> Triple:
    """Convert Allen CCF µm (order AP, DV, ML) to IBL metres from bregma; the inverse of `ccf_um_from_xyz_m`.

    ML counts from left to right; of Allen's own recordings it is mirrored before (`mirrored_ml_um`).

    Returns
    -------
    x, y, z
        float64 metres; right, anterior and dorsal positive.

    Raises
    ------
    ConfigError
        If a point lies outside the CCF volume and ``outside`` is ``raise``.

    Examples
    --------
    >>> [float(axis) for axis in xyz_m_from_ccf_um(7800, 3332, 3739)]
    [-0.002, -0.0024, -0.003]
    """
    ap, dv, ml = _arrays(ap, dv, ml)
    x = (ml - BREGMA_ML_UM) / M_TO_UM
    y = (BREGMA_AP_UM - ap) / M_TO_UM
    z = (BREGMA_DV_UM - dv) / M_TO_UM
    return _bounded((x, y, z), (ap, dv, ml), dict(zip(CCF_AXES, (ap, dv, ml))), outside)


def mirrored_ml_um(ml: npt.ArrayLike) -> FloatArray:
    """Return ML µm counted from the other side of the CCF volume, which is symmetric; its own inverse.

    Examples
    --------
    >>> float(mirrored_ml_um(7575))
    3825.0
    """
    return CCF_EXTENT_UM[2] - np.asarray(ml, dtype=np.float64)


def outside_ccf(ap: npt.ArrayLike, dv: npt.ArrayLike, ml: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return which points lie outside the CCF volume; NaN lies nowhere, and so not outside."""
    found = [(axis < 0) | (axis >= size) for axis, size in zip(_arrays(ap, dv, ml), CCF_EXTENT_UM)]
    return np.logical_or.reduce(found)


def bounds_in_words() -> str:
    """Return the bounds of the CCF volume with the resolution that they are of."""
    bounds = ", ".join(f"{name} 0 to {size:,.0f}" for name, size in zip(CCF_AXES, CCF_EXTENT_UM))
    voxels = " × ".join(map(str, CCF_VOXELS))
    return f"{bounds} µm ({voxels} voxels of {CCF_RESOLUTION_UM:.0f} µm)"


def _arrays(*axes: npt.ArrayLike) -> Triple:
    first, second, third = np.broadcast_arrays(*(np.asarray(axis, dtype=np.float64) for axis in axes))
    return first, second, third


def _bounded(converted: Triple, ccf: Triple, given: Mapping[str, FloatArray], outside: Outside) -> Triple:
    """Return converted points by what is asked of those outside the volume."""
    if outside == "keep":
        return converted
    is_outside = outside_ccf(*ccf)
    if not is_outside.any():
        return converted
    if outside == "nan":
        first, second, third = (np.where(is_outside, np.nan, axis) for axis in converted)
        return first, second, third
    number = int(np.flatnonzero(is_outside)[0])
    point = ", ".join(f"{name} {axis.flat[number]:.9g}" for name, axis in given.items())
    place = ", ".join(f"{name} {axis.flat[number]:,.1f}" for name, axis in zip(CCF_AXES, ccf))
    found = f"{int(is_outside.sum())} of {is_outside.size} lie outside; the first, row {number} (from 0), is {point}"
    if tuple(given) == IBL_AXES:
        found += f", in the CCF {place} µm"
    in_metres = tuple(given) != IBL_AXES or all(abs(axis.flat[number]) < _LARGEST_M for axis in given.values())
    action = (
        "Leave them out, or keep them (outside='keep', `--outside keep`)."
        if in_metres
        else "State x, y, z in metres from bregma."
    )
    raise ConfigError("points in the Allen CCF volume", f"{found}. The bounds are {bounds_in_words()}", action)
