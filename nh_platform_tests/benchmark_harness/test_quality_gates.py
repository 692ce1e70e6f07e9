"""A metric that is broken on purpose gets no ratio: a wrong threshold, a wrong bin and another label are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.harness.comparison import Differs
from benchmarks.jobs import quality as here
from benchmarks.rows import quality as rows

ALLEN = next(row for row in rows.ROWS if row.name == "allen-metrics").peers[0]
BOMBCELL = next(row for row in rows.ROWS if row.name == "bombcell-labels").peers[0]


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_BENCHMARK_DATA", str(tmp_path))
    return rows.ROWS[0].data(True)


def found(given: Path, job: str) -> dict[str, Any]:
    return here.JOBS[job](here.read(str(given)))()


def test_a_sound_metric_agrees_with_the_plain_evaluation_and_a_wrong_threshold_does_not(
    given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nh_platform.qc.metrics import time_metrics

    plain = found(given, "allen_by_unit")
    assert "4 columns agree" in ALLEN.gate(given, found(given, "allen"), plain)
    monkeypatch.setattr(time_metrics, "REFRACTORY_PERIOD_S", 0.0016)
    with pytest.raises(Differs, match="isi_violations differs by"):
        ALLEN.gate(given, found(given, "allen"), plain)


def test_a_label_of_another_threshold_is_seen(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = found(given, "bombcell")
    assert 0 < sound["good"].sum() < len(sound["good"])
    assert "60 good are identical" in BOMBCELL.gate(given, sound, sound)
    of = "spikeinterface.amplitude_median@0.105"
    lax = [rule.model_copy(update={"threshold": 90.0} if rule.metric == of else {}) for rule in here._RULES.rules]
    monkeypatch.setattr(here, "_RULES", here._RULES.model_copy(update={"rules": tuple(lax)}))
    with pytest.raises(Differs, match="good are not the same"):
        BOMBCELL.gate(given, found(given, "bombcell"), sound)


def test_counts_of_empty_units_are_missing_on_both_sides() -> None:
    ours = {"input": np.array("x"), "rp_violations": np.array([3.0, np.nan]), "drift_ptp": np.array([-1.0, 2.0])}
    theirs = {"rp_violations": np.array([3, -1]), "drift_ptp": np.array([-1.0, 2.0]), "good": np.array([True, False])}
    assert "2 columns agree" in rows.spikeinterface_columns(Path(), ours, theirs)
    with pytest.raises(Differs, match="rp_violations differs"):
        rows.spikeinterface_columns(Path(), ours, {**theirs, "rp_violations": np.array([2, -1])})
