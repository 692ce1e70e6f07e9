"""Times that are no seconds stop a session by name and number; what may be odd is said and stops nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.gate import Gate, gate_of, read_gate
from nh_platform.qc.plausibility import implausible, unusable_probes
from nh_platform.session import Note, RawRecording
from nh_platform_tests.qc.test_gate import files
from nh_platform_tests.store.codecs.test_recording_files import recording

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


def two_probes(factor: float, shift: float) -> RawRecording:
    """Return two probes, the times of the second one scaled and shifted."""
    units, spikes = RECORDING.units, RECORDING.spikes
    half = len(units) // 2
    probes = np.where(np.arange(len(units)) < half, "probe00", "probe01")
    times = spikes.times.copy()
    times[spikes.offsets[half] :] = times[spikes.offsets[half] :] * factor + shift
    both = pd.concat([RECORDING.probes[:1].assign(probe=one) for one in ("probe00", "probe01")], ignore_index=True)
    return replace(RECORDING, units=units.assign(probe=probes), probes=both, spikes=replace(spikes, times=times))


@pytest.mark.parametrize(("factor", "shift", "why"), [(1e6, 0, "session_length: "), (1, -1e5, "times_before_zero: ")])
def test_one_probe_whose_times_cannot_be_is_left_out_alone(factor: float, shift: float, why: str) -> None:
    recording = two_probes(factor, shift)
    unusable = unusable_probes(recording)
    assert list(unusable) == ["probe01"]
    assert unusable["probe01"].startswith(why)
    rest = recording.without_probes(unusable)
    assert set(rest.units["probe"]) == set(rest.probes["probe"]) == {"probe00"}
    assert rest.spikes.n_units == len(rest.units)
    assert rest.spikes.times.tolist() == recording.spikes.times[: recording.spikes.offsets[len(rest.units)]].tolist()
    assert rest.notes[-1] == Note("probe01", f"left out: {unusable['probe01']}")
    assert implausible(rest) == []
    assert unusable_probes(two_probes(1, 0)) == unusable_probes(RECORDING) == {}


def test_unit_amplitudes_that_are_no_volts_are_told_where_those_of_spikes_are() -> None:
    in_uv = RECORDING.units.assign(amplitude=177.0)
    found = implausible(replace(RECORDING, units=in_uv))
    assert {one.name for one in found} == {"amplitude_scale"}
    assert found[0].text.startswith("the median unit amplitude of ")


def test_a_probe_that_recorded_another_time_than_the_session_is_told() -> None:
    apart = two_probes(1, 40_000)
    assert unusable_probes(apart) == {}
    assert names(apart) == [("probe_times", False)] * 2


def test_a_part_of_the_amplitudes_in_another_unit_is_told() -> None:
    amplitudes = np.full(len(RECORDING.spikes.times), 1e-4, dtype=np.float32)
    amplitudes[::3] = 100.0
    changed = replace(RECORDING, spikes=replace(RECORDING.spikes, amplitudes=amplitudes))
    (finding, *_) = implausible(changed)
    assert "% of the values of the spike amplitude of " in finding.text


def test_a_few_spikes_far_ahead_are_told() -> None:
    spikes = RECORDING.spikes
    times = spikes.times + 5000
    times[0] = 1.0
    assert names(with_times(times)) == [("times_far_ahead", False)]


def test_amplitudes_that_are_not_released_are_no_finding() -> None:
    nothing = np.full(len(RECORDING.spikes.times), np.nan, dtype=np.float32)
    assert names(replace(RECORDING, spikes=replace(RECORDING.spikes, amplitudes=nothing))) == []


def test_a_gate_comes_back_the_same(tmp_path) -> None:
    assert read_gate(tmp_path) == Gate()
    Gate(("a",), ("b", "c")).write(tmp_path)
    assert read_gate(tmp_path) == Gate(("a",), ("b", "c"))
