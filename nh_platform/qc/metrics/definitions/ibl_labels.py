"""IBL's own unit labels from its metrics, for parity with released labels.

Contains the label and bit mask of each vintage as IBL's code computes them. Verdicts of the platform come from
rulebooks; add nothing else here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from nh_platform.session.units_of_measure import UV_PER_V

Columns = Mapping[str, npt.NDArray[np.float64]]

# ibllib 4.1.0 brainbox/metrics/single_units.py METRICS_PARAMS; nc_thresh was 20 before commit 96d6c631.
MIN_CONFIDENCE_PERCENT = 90
NOISE_CUTOFF = 5
NOISE_CUTOFF_2022_03 = 20
MIN_AMPLITUDE_V = 50 / UV_PER_V

_CONFIDENCE = "ibl.max_confidence@2022-10"
_NOISE = "ibl.noise_cutoff@2022-10"
_MEDIAN = "ibl.amp_median@2022-10"
_VIOLATION_2022_03 = "ibl.slidingRP_viol@2022-03"
_NOISE_2022_03 = "ibl.noise_cutoff@2022-03"


def _rules(columns: Columns) -> npt.NDArray[np.bool_]:
    """Return (n_units, 3): refractory, noise cut-off, amplitude. NaN compares false, so it fails."""
    return np.column_stack(
        (
            columns[_CONFIDENCE] >= MIN_CONFIDENCE_PERCENT,
            columns[_NOISE] < NOISE_CUTOFF,
            columns[_MEDIAN] > MIN_AMPLITUDE_V,
        )
    )


def label(columns: Columns) -> npt.NDArray[np.float64]:
    """Return (n_units,) share of the three rules passed: 0, 1/3, 2/3 or 1."""
    return _rules(columns).mean(axis=1)


def bitwise_fail(columns: Columns) -> npt.NDArray[np.float64]:
    """Return (n_units,) failed rules as bits: 1 refractory, 2 noise cut-off, 4 amplitude."""
    return (~_rules(columns)) @ np.array([1.0, 2.0, 4.0])


def label_2022_03(columns: Columns) -> npt.NDArray[np.float64]:
    """Return (n_units,) share of the three rules of before October 2022 passed."""
    rules = (
        columns[_VIOLATION_2022_03] == 1,
        columns[_NOISE_2022_03] < NOISE_CUTOFF_2022_03,
        columns[_MEDIAN] > MIN_AMPLITUDE_V,
    )
    return np.column_stack(rules).mean(axis=1)


DERIVED: dict[str, tuple[tuple[str, ...], Callable[[Columns], npt.NDArray[np.float64]]]] = {
    "ibl.label@2022-10": ((_CONFIDENCE, _NOISE, _MEDIAN), label),
    "ibl.bitwise_fail@2022-10": ((_CONFIDENCE, _NOISE, _MEDIAN), bitwise_fail),
    "ibl.label@2022-03": ((_VIOLATION_2022_03, _NOISE_2022_03, _MEDIAN), label_2022_03),
}
"""Ids computed from other metrics: those they need, and the function."""
