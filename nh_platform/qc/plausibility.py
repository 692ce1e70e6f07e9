"""Plausibility of the numbers of a sorting: times in seconds, amplitudes in volts.

Contains the limits and what is said where one is passed. Add a limit here with its reason. Whether a finding stops the
session is decided by the gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.session import RawRecording, Spikes
from nh_platform.session.recorded_time import LONGEST_PAUSE_S, RecordedTime

LONGEST_SESSION_S = 86_400.0
"""A day; sessions of the published releases last up to three hours. Times in samples of 30 kHz exceed it from 3 s on,
those in milliseconds from 87 s on."""

MOST_BEFORE_ZERO = 0.01
"""Share of spikes before 0 s above which the clock is not the session's; the few of a sorter are far below."""

AMPLITUDES_V = (1e-6, 1e-2)
"""Between which the median spike amplitude of a probe lies: released ones are 1e-5 to 1e-3 V. µV, mV and a sorter's own
scale lie outside."""

MOST_STRANGE_AMPLITUDES = 0.1
"""Share of amplitudes outside of `AMPLITUDES_V` above which part of them is in another unit of measure."""

DAY_S = 86_400.0


@dataclass(frozen=True)
class Finding:
    """Something that is not plausible.

    Parameters
    ----------
    name
        Which limit: ``session_length``, ``times_before_zero``, ``times_far_ahead``, ``times_far_behind``,
        ``probe_times``, ``amplitude_scale``.
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


def unusable_probes(recording: RawRecording) -> dict[str, str]:
    """Return the probes of several whose spike times cannot be those of a session, and why; in the order of the units.

    Parameters
    ----------
    recording
        What upstream sorted; spikes ascend within each unit.
    """
    if recording.units["probe"].nunique() < 2:
        return {}  # the session itself, which is for `implausible`
    found = {probe: _stopping(spikes, spikes.recorded_time) for probe, spikes in _by_probe(recording)}
    return {probe: str(finding) for probe, finding in found.items() if finding is not None}


def implausible(recording: RawRecording) -> list[Finding]:
    """Return what is not plausible of times and amplitudes, in a fixed order.

    Parameters
    ----------
    recording
        What `raw_spikes` holds; spikes ascend within each unit.
    """
    spikes = recording.spikes
    n_spikes = len(spikes.times)
    if not n_spikes:
        return []
    recorded, (first, last) = spikes.recorded_time, spikes.time_range
    stopping = _stopping(spikes, recorded)
    if stopping is not None:
        return [stopping]
    found, outside = [], "they are outside the recorded time"
    if recorded.n_negative:
        text = f"{recorded.n_negative} of {n_spikes} spikes are before 0 s, the first at {first:.6g} s; {outside}"
        found.append(Finding("times_before_zero", text))
    if ahead := recorded.n_before - recorded.n_negative:
        text = f"{ahead} of {n_spikes} spikes come {LONGEST_PAUSE_S:.0f} s or more before the others, "
        found.append(Finding("times_far_ahead", f"{text}which begin at {recorded.start:.6g} s; {outside}"))
    if recorded.n_after:
        text = (
            f"{recorded.n_after} of {n_spikes} spikes, the last at {last:.6g} s, follow {LONGEST_PAUSE_S:.0f} s or "
            f"more of silence after {recorded.stop:.6g} s; {outside}"
        )
        found.append(Finding("times_far_behind", text))
    return found + _span_findings(recording, recorded) + _amplitude_findings(recording)


def _span_findings(recording: RawRecording, recorded: RecordedTime) -> list[Finding]:
    """Return the probes that recorded a much shorter time than the session: probes record together."""
    if recording.units["probe"].nunique() < 2:
        return []
    found = []
    for probe, spikes in _by_probe(recording):
        own = spikes.recorded_time
        if own.start - recorded.start > LONGEST_PAUSE_S or recorded.stop - own.stop > LONGEST_PAUSE_S:
            text = (
                f"the spikes of {probe} are from {own.start:.6g} to {own.stop:.6g} s, those of the session from "
                f"{recorded.start:.6g} to {recorded.stop:.6g} s; expected the same within {LONGEST_PAUSE_S:.0f} s. "
                "Windows count the whole time for every probe"
            )
            found.append(Finding("probe_times", text))
    return found


def implausible_volts(columns: Mapping[str, npt.ArrayLike]) -> list[Finding]:
    """Return which amplitudes are not volts by their order of magnitude.

    Parameters
    ----------
    columns
        Amplitudes by what they are called in the text, each (n,) of one probe; NaN do not count.
    """
    low, high = AMPLITUDES_V
    found = []
    for name, values in columns.items():
        amplitudes = np.abs(np.asarray(values))
        n_stated = len(amplitudes) - int(np.isnan(amplitudes).sum())
        strange = n_stated - int(((amplitudes >= low) & (amplitudes <= high)).sum())
        if strange <= MOST_STRANGE_AMPLITUDES * n_stated:
            continue
        median = float(np.nanmedian(amplitudes))
        if low <= median <= high:
            text = (
                f"{strange / n_stated:.0%} of the values of the {name} lie outside of {low:g} to {high:g} V; expected "
                f"at most {MOST_STRANGE_AMPLITUDES:.0%}: rules that read it do not hold"
            )
        else:
            text = (
                f"the median {name} is {median:.3g} V; expected {low:g} to {high:g} V. It is probably in another unit "
                "of measure: rules that read it do not hold"
            )
        found.append(Finding("amplitude_scale", text))
    return found


def _stopping(spikes: Spikes, recorded: RecordedTime) -> Finding | None:
    """Return why spike times cannot be those of a session; None where they can."""
    first, last = spikes.time_range
    if recorded.duration_s > LONGEST_SESSION_S:
        days = recorded.duration_s / DAY_S
        text = (
            f"spikes from {recorded.start:.6g} to {recorded.stop:.6g} s, a session of {days:.0f} days; expected at "
            "most one day. The times are probably samples or milliseconds, not seconds"
        )
        return Finding("session_length", text, stops=True)
    n_spikes = len(spikes.times)
    n_negative = n_spikes if last < 0 else recorded.n_negative
    if n_negative > MOST_BEFORE_ZERO * n_spikes:
        text = f"{n_negative} of {n_spikes} spikes are before 0 s, the first at {first:.6g} s"
        return Finding("times_before_zero", f"{text}; expected at most {MOST_BEFORE_ZERO:.0%}", stops=True)
    return None


def _by_probe(recording: RawRecording) -> Iterator[tuple[str, Spikes]]:
    """Yield every probe that has units, and its spikes."""
    for probe, units in recording.units.groupby("probe", sort=False):
        yield str(probe), recording.spikes.take(units.index.to_numpy())


def _amplitude_findings(recording: RawRecording) -> list[Finding]:
    """Return the probes whose amplitudes of spikes, or of units as upstream states them, are not volts."""
    columns: dict[str, npt.ArrayLike] = {}
    for probe, spikes in _by_probe(recording):
        stated = recording.units.loc[recording.units["probe"] == probe, "amplitude"]
        columns[f"spike amplitude of {probe}"] = spikes.amplitudes
        columns[f"unit amplitude of {probe}"] = stated.to_numpy(dtype=np.float64)
    return implausible_volts(columns)
