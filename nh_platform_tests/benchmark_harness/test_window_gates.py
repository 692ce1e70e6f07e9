"""Windows that are read wrongly get no ratio: a spike too few, one bin late, or of another unit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.harness.comparison import Differs
from benchmarks.jobs import windows as here
from benchmarks.rows import windows as rows
from nh_platform.load import Batch, batches


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_BENCHMARK_DATA", str(tmp_path))
    return rows.ROWS[0].data(True)


def found(given: Path, job: str) -> dict[str, np.ndarray]:
    return dict(here.JOBS[job](here.session_part(given))[1]())


def test_sound_windows_pass_both_gates(given: Path) -> None:
    counts, events, alone = (found(given, job) for job in ("counts", "events", "mapped"))
    assert "are those of numpy.searchsorted" in rows.plain_counts(given, counts)
    assert "are the same" in rows.plain_events(given, events)
    assert "on both sides" in rows.same_windows(given, counts, alone)
    assert "are equal" in rows.same_windows(given, counts, counts)


def test_batches_of_the_loader_pass_and_late_bins_or_other_units_in_one_are_seen(
    given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "are those of numpy.searchsorted" in rows.plain_counts(given, found(given, "batched_counts"))
    assert "are the same" in rows.plain_events(given, found(given, "batched_events"))
    sound = batches.padded

    def broken(*made: Any) -> Batch:
        batch = sound(*made)
        if batch.counts is not None:
            return replace(batch, counts=np.roll(batch.counts, 1, axis=2))
        assert batch.unit_index is not None
        return replace(batch, unit_index=np.roll(batch.unit_index, 1, axis=1))

    monkeypatch.setattr(batches, "padded", broken)
    with pytest.raises(Differs, match="counts are not those of"):
        rows.plain_counts(given, found(given, "batched_counts"))
    with pytest.raises(Differs, match="of other units"):
        rows.plain_events(given, found(given, "batched_events"))


def test_a_window_that_begins_one_spike_late_is_seen(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nh_platform.windows import time_order

    alone, first = found(given, "mapped"), time_order.first_spike_at
    monkeypatch.setattr(time_order, "first_spike_at", lambda *given: first(*given) + 1)
    counts, events = found(given, "counts"), found(given, "events")
    with pytest.raises(Differs, match="counts are not those of"):
        rows.plain_counts(given, counts)
    with pytest.raises(Differs, match="are counted here"):
        rows.same_windows(given, counts, alone)
    with pytest.raises(Differs):
        rows.plain_events(given, events)


def test_spikes_of_another_unit_and_late_ones_are_seen(given: Path) -> None:
    sound = found(given, "events")
    swapped = {**sound, "units": np.roll(sound["units"], 1)}
    with pytest.raises(Differs, match="of other units"):
        rows.same_events(given, sound, swapped)
    with pytest.raises(Differs, match="differ by 2"):
        rows.same_events(given, sound, {**sound, "times": sound["times"] + 2e-5})
