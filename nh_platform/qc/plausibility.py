"""Plausibility of the numbers of a sorting: times in seconds, amplitudes in volts.

Contains the limits and what is said where one is passed. Add a limit here with its reason. Whether a finding stops the
session is decided by the gate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nh_platform.session import RawRecording
from nh_platform.session.recorded_time import LONGEST_PAUSE_S, recorded_time

LONGEST_SESSION_S = 86_400.0
"""A day; sessions of the published releases last up to three hours. Times in samples of 30 kHz exceed it from 3 s on,
those in milliseconds from 87 s on."""

MOST_BEFORE_ZERO = 0.01
"""Share of spikes before 0 s above which the clock is not the session's; the few of a sorter are far below."""

AMPLITUDES_V = (1e-6, 1e-2)
"""Between which the median spike amplitude of a probe lies: released ones are 1e-5 to 1e-3 V. µV, mV and a sorter's own
scale lie outside."""

DAY_S = 86_400.0


@dataclass(frozen=True)
class Finding:
    """Something that is not plausible.

    Parameters
    ----------
    name
        Which limit: ``session_length``, ``times_before_zero``, ``times_far_behind``, ``amplitude_scale``.
    text
        What was found and what was expected, with numbers.
    stops
        Whether the session cannot be used with it.
    """

    name: str
    text: str
    stops: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


def implausible(recording: RawRecording) -> list[Finding]:
    """Return what is not plausible of times and amplitudes, in a fixed order.

    Parameters
    ----------
    recording
        What `raw_spikes` holds; spikes ascend within each unit.
    """
    spikes = recording.spikes
    n_spikes, found = len(spikes.times), []
    if not n_spikes:
        return []
    recorded, (first, last) = recorded_time(spikes), spikes.time_range
    if recorded.duration_s > LONGEST_SESSION_S:
        days = recorded.duration_s / DAY_S
        text = (
            f"spikes from {recorded.start:.6g} to {recorded.stop:.6g} s, a session of {days:.0f} days; expected at "
            "most one day. The times are probably samples or milliseconds, not seconds"
        )
        return [Finding("session_length", text, stops=True)]
    n_before = n_spikes if last < 0 else recorded.n_before
    if n_before:
        share = n_before / n_spikes
        text = f"{n_before} of {n_spikes} spikes are before 0 s, the first at {first:.6g} s"
        stops = share > MOST_BEFORE_ZERO
        expected = f"; expected at most {MOST_BEFORE_ZERO:.0%}" if stops else "; they are outside the recorded time"
        found.append(Finding("times_before_zero", text + expected, stops))
    if recorded.n_after:
        text = (
            f"{recorded.n_after} of {n_spikes} spikes, the last at {last:.6g} s, follow {LONGEST_PAUSE_S:.0f} s or "
            f"more of silence after {recorded.stop:.6g} s; they are outside the recorded time"
        )
        found.append(Finding("times_far_behind", text))
    return found + _amplitude_findings(recording)


def _amplitude_findings(recording: RawRecording) -> list[Finding]:
    """Return the probes whose spike amplitudes are not volts by their order of magnitude."""
    spikes, found = recording.spikes, []
    low, high = AMPLITUDES_V
    for probe, units in recording.units.groupby("probe", sort=False):
        rows = units.index.to_numpy()
        values = spikes.amplitudes[int(spikes.offsets[rows[0]]) : int(spikes.offsets[rows[-1] + 1])]
        finite = np.abs(values[np.isfinite(values)])
        median = float(np.median(finite)) if len(finite) else np.nan
        if median < low or median > high:
            text = (
                f"the median spike amplitude of {probe} is {median:.3g} V; expected {low:g} to {high:g} V. It is "
                "probably in another unit of measure: rules about amplitudes do not hold"
            )
            found.append(Finding("amplitude_scale", text))
    return found
