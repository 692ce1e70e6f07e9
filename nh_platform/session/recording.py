"""Data of one session in memory, whatever its source: spikes, units, channels, events, signals.

Contains plain containers of arrays and tables with their invariants. Add a container here when two sources share it.
Nothing here reads a file, knows a source or computes a metric.

Times are seconds on the session clock (float64). Amplitudes are volts. Depths are µm from the probe tip. Wheel
position is radians. Trial `choice`: +1 = wheel clockwise (correct for a left stimulus), −1 = counter-clockwise,
0 = no-go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.display import html_facts, html_rows
from nh_platform.session.errors import BadUpstreamData
from nh_platform.session.recorded_time import RecordedTime, find_recorded_time

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Session:
    """Who, when and where of one recording day.

    Parameters
    ----------
    source
        ``ibl``, ``allen_vc`` or ``allen_vbn``.
    session_id
        IBL eid or Allen ecephys_session_id, as text; it is the Dagster partition key.
    subject, lab, date, number, task_protocol, projects
        As upstream states them; ``date`` is ``YYYY-MM-DD``; ``projects`` is a comma-joined list.
    """

    source: str
    session_id: str
    subject: str
    lab: str = ""
    date: str = ""
    number: int = 1
    task_protocol: str = ""
    projects: str = ""


@dataclass(frozen=True)
class Spikes:
    """All spikes of a session, grouped by unit and sorted by time within each unit.

    Parameters
    ----------
    times
        (n_spikes,) float64, seconds on the session clock, bit-exact as upstream.
    offsets
        (n_units + 1,) int64; the spikes of unit ``i`` (row ``i`` of the units table) are
        ``times[offsets[i]:offsets[i + 1]]``.
    amplitudes
        (n_spikes,) float32, volts; NaN where upstream has none.
    depths
        (n_spikes,) float32, µm from the probe tip; NaN where upstream has none.
    """

    times: FloatArray
    offsets: npt.NDArray[np.int64]
    amplitudes: npt.NDArray[np.float32]
    depths: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        n_spikes = len(self.times)
        if len(self.offsets) < 1 or self.offsets[0] != 0 or self.offsets[-1] != n_spikes:
            raise BadUpstreamData(
                "spikes", f"offsets end at {self.offsets[-1:]} but there are {n_spikes} times", "Group them again."
            )
        if len(self.amplitudes) != n_spikes or len(self.depths) != n_spikes:
            raise BadUpstreamData(
                "spikes",
                f"{n_spikes} times, {len(self.amplitudes)} amplitudes, {len(self.depths)} depths",
                "All three need one value per spike.",
            )

    def __repr__(self) -> str:
        first, last = self.time_range
        span = f", {first:.3f} to {last:.3f} s" if len(self.times) else ""
        return f"Spikes({len(self.times)} of {self.n_units} units{span})"

    def _repr_html_(self) -> str:
        first, last = self.time_range
        facts = {"spikes": len(self.times), "units": self.n_units}
        return html_facts("Spikes", {**facts, "from": f"{first:.3f} s", "to": f"{last:.3f} s"})

    @property
    def n_units(self) -> int:
        """Number of units, empty ones included."""
        return len(self.offsets) - 1

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(n_units,) number of spikes of each unit."""
        return np.diff(self.offsets)

    @property
    def clusters(self) -> npt.NDArray[np.unsignedinteger]:
        """(n_spikes,) row of the units table for each spike, in the smallest unsigned integer that fits."""
        return np.repeat(np.arange(self.n_units, dtype=smallest_uint(max(self.n_units - 1, 0))), self.counts)

    def of_unit(self, unit: int) -> FloatArray:
        """Return the spike times (s) of row ``unit`` of the units table."""
        return self.times[self.offsets[unit] : self.offsets[unit + 1]]

    def take(self, rows: npt.NDArray[np.integer]) -> Spikes:
        """Return the spikes of the units in ``rows`` of the units table, in that order."""
        if len(rows) == self.n_units and np.array_equal(rows, np.arange(self.n_units)):
            return self
        if len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):  # views, no copy
            part = self.offsets[rows[0] : rows[0] + len(rows) + 1]
            inside = slice(int(part[0]), int(part[-1]))
            return Spikes(self.times[inside], part - part[0], self.amplitudes[inside], self.depths[inside])
        counts = self.counts[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        take = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], counts)
        return Spikes(self.times[take], offsets, self.amplitudes[take], self.depths[take])

    def where(self, kept: npt.NDArray[np.bool_]) -> Spikes:
        """Return the spikes of which ``kept`` (n_spikes,) is true, of the same units; itself where that is all."""
        if kept.all():
            return self
        rows = np.flatnonzero(kept)
        offsets = np.searchsorted(rows, self.offsets).astype(np.int64)
        return Spikes(self.times[rows], offsets, self.amplitudes[rows], self.depths[rows])

    @cached_property
    def recorded_time(self) -> RecordedTime:
        """From when to when the session was recorded; the spikes ascend within each unit."""
        return find_recorded_time(self)

    @cached_property
    def time_range(self) -> tuple[float, float]:
        """First and last spike time of the session in seconds; (nan, nan) without spikes."""
        if len(self.times) == 0:
            return float("nan"), float("nan")
        return float(self.times.min()), float(self.times.max())


@dataclass(frozen=True)
class Signal:
    """A sampled quantity: wheel position, running speed, pupil.

    Parameters
    ----------
    name
        What it is, for example ``wheel_position``.
    timestamps
        (n_samples,) float64, seconds on the session clock.
    values
        (n_samples,) or (n_samples, n_columns), float.
    unit
        Unit of measure of ``values``.
    columns
        Names of the columns of ``values``.
    """

    name: str
    timestamps: FloatArray
    values: npt.NDArray[np.floating]
    unit: str
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        width = 1 if self.values.ndim == 1 else self.values.shape[1]
        if len(self.timestamps) != len(self.values) or width != len(self.columns):
            raise BadUpstreamData(
                f"signal {self.name}",
                f"{len(self.timestamps)} timestamps, values {self.values.shape}, columns {self.columns}",
                "Check the upstream files; timestamps and values need the same length.",
            )

    def __repr__(self) -> str:
        width = f" of {len(self.columns)} columns" if len(self.columns) > 1 else ""
        unit = f", {self.unit}" if self.unit else ""
        return f"Signal({self.name!r}, {len(self.timestamps)} samples{width}{unit}{self._span})"

    def _repr_html_(self) -> str:
        facts = {"samples": len(self.timestamps), "unit": self.unit or "-", "columns": ", ".join(self.columns)}
        return html_facts(f"Signal {self.name}", {**facts, "time": self._span.removeprefix(", ") or "none"})

    @property
    def _span(self) -> str:
        times = self.timestamps
        return f", {times[0]:.3f} to {times[-1]:.3f} s" if len(times) else ""


EYE_SIGNALS = frozenset({"gaze", "pupil", "pupil_diameter"})
"""Signals of which every session lacks values, in blinks and where the eye was not found."""


def unknown_values(signal: str, column: str, values: npt.NDArray[np.floating]) -> str:
    """Return what is to be noted of the values (n_samples,) of a signal that are no numbers; empty where nothing is.

    Of `EYE_SIGNALS` that is a column without any value.
    """
    unknown = int((~np.isfinite(values)).sum())
    if not unknown or (signal in EYE_SIGNALS and unknown < len(values)):
        return ""
    return f"{unknown} of {len(values)} values of {column} are NaN or infinite"


@dataclass(frozen=True)
class Note:
    """Something that was left out or assumed while reading a session, and why.

    Parameters
    ----------
    subject, text
        What it is about; what was found and what was done.
    may_return
        Whether the subject is a file that upstream lists and could not give: an asset that is made without it is stale
        until it is made of all that is listed.
    is_origin
        Whether it says which way a file came and what it was held against. That is of one reading and not of the
        content: it stands in the provenance alone, so that the same content is the same bytes whichever way it came.
    """

    subject: str
    text: str
    may_return: bool = False
    is_origin: bool = False


def _without(table: pd.DataFrame, probes: Collection[str]) -> pd.DataFrame:
    return table[~table["probe"].isin(probes)].reset_index(drop=True)


@dataclass(frozen=True)
class RawRecording:
    """Content of `raw_spikes`: the verified upstream sorting, nothing filtered, without alignment or QC.

    Parameters
    ----------
    session
        The session.
    probes
        One row per probe insertion, schema `PROBES`.
    units
        One row per sorted unit (schema `RAW_UNITS`), in the order of ``spikes.offsets``.
    channels
        One row per channel (schema `RAW_CHANNELS`).
    spikes
        The spikes.
    notes
        What was missing or assumed.
    """

    session: Session
    probes: pd.DataFrame
    units: pd.DataFrame
    channels: pd.DataFrame
    spikes: Spikes
    notes: tuple[Note, ...] = ()

    def without_probes(self, left_out: Mapping[str, str]) -> RawRecording:
        """Return the recording without the probes that are named, each with a note of why."""
        kept = ~self.units["probe"].isin(left_out)
        return RawRecording(
            session=self.session,
            probes=_without(self.probes, left_out),
            units=_without(self.units, left_out),
            channels=_without(self.channels, left_out),
            spikes=self.spikes.take(np.flatnonzero(kept)),
            notes=(*self.notes, *(Note(probe, f"left out: {why}") for probe, why in left_out.items())),
        )


@dataclass(frozen=True)
class Events:
    """Events of one session and their times: trials, stimulus presentations, licks, invalid times.

    Parameters
    ----------
    session
        The session.
    tables
        Tables by name, each with a schema of the same name in `nh_platform.session.tables.events.EVENTS`
        (``trials``, ``presentations``, ``licks``, ``invalid_times``, …). A table that upstream lacks is absent.
    notes
        What was missing or assumed.
    """

    session: Session
    tables: dict[str, pd.DataFrame]
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        tables = ", ".join(f"{name} ({len(table)})" for name, table in self.tables.items()) or "none"
        return f"Events({self.session.source!r}, {self.session.session_id!r}, tables: {tables})"

    def _repr_html_(self) -> str:
        rows = [(name, len(table)) for name, table in self.tables.items()]
        return html_rows(f"Events of {self.session.source} session {self.session.session_id}", ("table", "rows"), rows)


@dataclass(frozen=True)
class Signals:
    """Sampled signals of one session: wheel, running, pupil, motion energy, and what is detected in them.

    Parameters
    ----------
    session
        The session.
    signals
        Signals by name (``wheel_position``, ``running_speed``, ``pupil_diameter``, …).
    tables
        Tables of what upstream detected in a signal, each with a schema of the same name in
        `nh_platform.session.tables.events.DETECTED` (``wheel_moves``).
    notes
        What was missing or assumed.
    """

    session: Session
    signals: dict[str, Signal]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class UnitAnnotation:
    """Upstream's annotation of a session's units, apart from the spikes: metrics, label, position, region.

    Parameters
    ----------
    released
        One row per unit, in the order of `RawRecording.units`: ``unit_id`` and one ``released.<name>`` column per
        metric or label of the release, values in the unit of measure of the platform (volts, µm, Hz).
    positions
        One row per unit, schema `UNIT_POSITIONS`.
    channels
        One row per channel, schema `CHANNEL_POSITIONS`.
    notes
        What was missing or assumed.
    """

    released: pd.DataFrame
    positions: pd.DataFrame
    channels: pd.DataFrame
    notes: tuple[Note, ...] = field(default=())


def smallest_uint(largest: int) -> np.dtype[np.unsignedinteger]:
    """Return the smallest unsigned integer dtype that holds ``largest``."""
    return np.min_scalar_type(int(largest))
