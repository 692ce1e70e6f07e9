"""Where the threshold between narrow and broad waveforms lies in units that were recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.embeddings.cell_types.waveform_type import NARROW_MS, waveform_types


@pytest.mark.reference
def test_the_threshold_lies_between_both_groups_of_visual_cortex(reference_dir: Path) -> None:
    tables = [pd.read_csv(path) for path in sorted(reference_dir.glob("allen_vc/*/visual_unit_population.csv"))]
    durations = pd.concat(tables)["waveform_duration"].to_numpy()
    assert len(durations) == 1240
    share = (waveform_types(durations) == "narrow").mean()
    assert share == pytest.approx(0.16, abs=0.005)
    edges = np.arange(0.15, 0.9, 0.05)
    for table in (*tables, pd.concat(tables)):
        counts, _ = np.histogram(table["waveform_duration"], edges)
        narrow, broad = edges[:-1] < NARROW_MS - 0.01, edges[:-1] > NARROW_MS + 0.09
        valley = counts[~narrow & ~broad]  # 0.4 to 0.5 ms
        assert counts[narrow].max() > 1.8 * valley.max()
        assert counts[broad].max() > 8 * valley.max()
    (low,) = edges[:-1][narrow][[counts[narrow].argmax()]]
    (high,) = edges[:-1][broad][[counts[broad].argmax()]]
    assert (low, high) == pytest.approx((0.25, 0.6))
