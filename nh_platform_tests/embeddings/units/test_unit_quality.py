"""Vectors of units are judged without the silent ones, and what is wrong with them is said in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.assets.unit_embeddings import ASSET
from nh_platform.embeddings.units.unit_encoding import unit_embeddings
from nh_platform.embeddings.units.unit_quality import unit_quality
from nh_platform.windows.counts.binning import bin_session
from nh_platform_tests.windows.trains import spikes_of, units_of


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    trains = [np.cumsum(rng.gamma(k / 3, 0.3 / k, 3000 + 100 * k)) for k in range(1, 12)]
    spikes = spikes_of(*trains, [5.0, 9.0])
    return unit_embeddings(spikes, units_of(*["probe00"] * 12), grid=bin_session(spikes, 20_000))


def test_units_that_fire_have_sound_vectors_and_a_silent_one_counts_apart(table) -> None:
    found = unit_quality(table)
    assert (found.n_units, found.n_silent) == (12, 1)
    assert found.problems == ()
    assert found.vectors.effective_rank > 3
    assert found.share_silent == pytest.approx(1 / 12)
    names = [row["feature"] for row in found.features]
    assert "isi_cv2" in names
    assert "acg_00" not in names
    assert "waveform_duration_s" not in names  # no unit has it


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda t: t.assign(isi_cv=t["isi_cv"].where(t.index != 2)), "1 units that fire have undefined features"),
        (lambda t: t.assign(isi_lv=np.float32(1)), "constant in all units: isi_lv"),
        (lambda t: t.assign(**{n: t.loc[0, n] for n in t.columns[4:]}), "10 units have the vector of another one"),
        (
            lambda t: t.assign(**{n: t["rate_hz"] for n in t.columns[4:] if t[n].notna().any()}),
            "the vectors fill 1 dimensions, fewer than 3",
        ),
    ],
)
def test_what_is_wrong_is_said(table, spoil, problem) -> None:
    assert problem in unit_quality(spoil(table)).problems


def test_a_session_without_units_is_measured_all_the_same(table) -> None:
    found = unit_quality(table[:0])
    assert found.problems == ()
    assert np.isnan(found.share_silent)
    assert [check.name for check in ASSET.checks] == ["unit_vectors_sound", "units_fire"]
