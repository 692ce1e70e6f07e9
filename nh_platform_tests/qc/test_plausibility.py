"""Times that are no seconds stop a session by name and number; what may be odd is said and stops nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nh_platform.qc.gate import Gate, gate_of, read_gate
from nh_platform.qc.plausibility import implausible
from nh_platform.session import RawRecording
from nh_platform_tests.qc.test_gate import files
from nh_platform_tests.store.test_codecs import recording

RECORDING = recording(3000)


def with_times(times) -> RawRecording:
    return replace(RECORDING, spikes=replace(RECORDING.spikes, times=times))


def names(changed: RawRecording) -> list[tuple[str, bool]]:
    return [(one.name, one.stops) for one in implausible(changed)]


def test_a_plausible_session_is_not_spoken_of() -> None:
    assert implausible(RECORDING) == []
    assert gate_of(RECORDING, files()) == Gate()


@pytest.mark.parametrize("per_second", [30_000, 1000])
def test_samples_and_milliseconds_are_no_seconds(per_second: int) -> None:
    longer = with_times(RECORDING.spikes.times * per_second * 30)
    assert names(longer) == [("session_length", True)]
    (problem,) = gate_of(longer, files()).problems
    assert problem.startswith("session_length: spikes from ")
    assert "days; expected at most one day" in problem


def test_a_few_spikes_before_zero_are_told_and_many_stop() -> None:
    spikes = RECORDING.spikes
    first = spikes.offsets[:-1][spikes.counts > 0][:4]
    times = spikes.times.copy()
    times[first] = -0.5
    assert names(with_times(times)) == [("times_before_zero", False)]
    (text,) = gate_of(with_times(times), files()).warnings
    assert (
        text == f"times_before_zero: {len(first)} of 3000 spikes are before 0 s, the first at -0.5 s; they are "
        "outside the recorded time"
    )
    assert names(with_times(spikes.times - spikes.times.max())) == [("times_before_zero", True)]
    assert names(with_times(spikes.times - np.median(spikes.times))) == [("times_before_zero", True)]


def test_one_spike_far_behind_is_told() -> None:
    times = RECORDING.spikes.times.copy()
    times[-1] = 1e7
    assert names(with_times(times)) == [("times_far_behind", False)]


@pytest.mark.parametrize(("factor", "found"), [(1e6, True), (1e3, True), (1e-3, True), (3.0, False), (-1.0, False)])
def test_amplitudes_of_another_unit_are_told(factor: float, found: bool) -> None:
    spikes = RECORDING.spikes
    scaled = np.abs(spikes.amplitudes) * np.float32(0) + np.float32(1e-4 * factor)
    changed = replace(RECORDING, spikes=replace(spikes, amplitudes=scaled))
    probes = RECORDING.units["probe"].nunique()
    assert names(changed) == [("amplitude_scale", False)] * (probes if found else 0)


def test_amplitudes_that_are_not_released_are_no_finding() -> None:
    nothing = np.full(len(RECORDING.spikes.times), np.nan, dtype=np.float32)
    assert names(replace(RECORDING, spikes=replace(RECORDING.spikes, amplitudes=nothing))) == []


def test_a_gate_comes_back_the_same(tmp_path) -> None:
    assert read_gate(tmp_path) == Gate()
    Gate(("a",), ("b", "c")).write(tmp_path)
    assert read_gate(tmp_path) == Gate(("a",), ("b", "c"))
