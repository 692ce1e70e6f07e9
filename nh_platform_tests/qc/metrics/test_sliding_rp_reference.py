"""Three real units give the values that slidingRP 1.1.1 gives for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.qc.metrics import compute_metrics
from nh_platform_tests.qc.metrics.trains import group, units_of

IDS = [
    f"ibl.{name}@2022-10"
    for name in ("max_confidence", "min_contamination", "rp_min_val", "n_spikes_below2", "slidingRP_viol")
]


@pytest.mark.reference
@pytest.mark.parametrize(
    ("unit", "confidence", "contamination", "period", "below_2ms", "passes"),
    [
        (167, 0.7968, np.nan, np.nan, 0, 0),
        (274, 100.0, 0.5, 0.0011833, 2, 1),
        (275, 53.884, 15.0, 0.00051667, 99, 0),
    ],
)
def test_real_units_equal_sliding_rp(
    reference_dir: Path, unit, confidence, contamination, period, below_2ms, passes
) -> None:
    times = np.load(reference_dir / "sliding_rp" / "spikes.times.npy")
    clusters = np.load(reference_dir / "sliding_rp" / "spikes.clusters.npy")
    spikes = group([times[clusters == unit]])
    row = compute_metrics(spikes, units_of(spikes), IDS)[0].loc[0].tolist()
    # Values as printed with 4 to 5 digits where they were recorded.
    assert row[0] == pytest.approx(confidence, rel=1e-4)
    assert row[1] == pytest.approx(contamination, nan_ok=True)
    assert row[2] == pytest.approx(period, rel=1e-4, nan_ok=True)
    assert row[3:] == [below_2ms, passes]
