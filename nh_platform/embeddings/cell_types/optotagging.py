"""Units that light drives: reliability and latency of their spikes after short pulses, against the time before.

Contains the procedure ``nh.optotagged@1``, whole:

1. Pulses are the optogenetic epochs of 9 to 20 ms; of several levels those of the highest that has `MIN_PULSES`, else
   all. Longer light and trains of pulses are not used: what they drive may be driven by other cells. A pulse in an
   invalid interval of the optotagging, of all probes or of the unit's probe is left out, and so is one in a pause of
   the recording or more than a second before or after it: no unit could have answered.
2. A pulse is answered where a spike lies 1 to 9 ms after its start. The first ms, and the last of a pulse of 10 ms,
   hold artefacts of the light (AllenSDK 2.16.2, example ``ecephys_optotagging``).
3. The baseline is 24 windows of the same 8 ms, side by side in the 200 ms before the pulse, up to 8 ms before it.
4. Fisher's exact test, one-sided, holds the share of answered pulses against that of baseline windows with a spike;
   p-values are corrected over the units of the session (Benjamini & Hochberg 1995).
5. A unit is tagged where q is at most 0.01, it answers 30 % of the pulses at least, and its rate in the 8 ms is more
   than twice the baseline rate plus 1 Hz (the threshold of AllenSDK's example).

What the light drives depends on the animal: its genotype says which cells have the channel, and without one no unit
should be tagged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Note, Spikes
from nh_platform.session.recorded_time import RecordedTime
from nh_platform.session.tables.cell_types import OPTOTAGGING
from nh_platform.windows.intervals import merged_pairs, overlapping

FloatArray = npt.NDArray[np.float64]

PULSE_S = (0.009, 0.020)
"""Shortest and longest pulse that is used."""

RESPONSE_S = (0.001, 0.009)
"""Window after the start of a pulse."""

BASELINE_S = 0.2
N_BASELINE = 24
"""Time before a pulse, and the windows of the response's length in it."""

MIN_PULSES = 10
MAX_Q = 0.01
MIN_RELIABILITY = 0.3
MIN_RATE_RATIO = 2.0

NEARLY_S = 1.0
"""The recorded time ends with a spike; light so soon behind it was recorded."""

OPTOTAGGING_SCOPES = ("optotagging", "all_probes")
"""Scopes of invalid intervals in which light counts for no probe."""


def light_pulses(epochs: pd.DataFrame | None) -> tuple[FloatArray, Note | None]:
    """Return the starts (s) of the pulses that units are judged by, ascending; and why there are too few.

    Parameters
    ----------
    epochs
        Table ``optogenetic_epochs`` of the events; None where the session has none.
    """
    if epochs is None or not len(epochs):
        return np.zeros(0), Note("optotagging", "the session has no optogenetic epochs: no unit is judged")
    length = (epochs["stop_time"] - epochs["start_time"]).to_numpy(dtype=np.float64)
    # A ns more either way: differences of times are not exact.
    short = epochs[(length >= PULSE_S[0] - 1e-9) & (length <= PULSE_S[1] + 1e-9)]
    counts = short.groupby("level").size()
    enough = counts.index[counts >= MIN_PULSES]
    if len(enough):
        short = short[short["level"] == enough.max()]
    starts = np.sort(short["start_time"].to_numpy(dtype=np.float64))
    if len(starts) >= MIN_PULSES:
        return starts, None
    found = f"{len(starts)} of {len(epochs)} optogenetic epochs are pulses of 9 to 20 ms, and {MIN_PULSES} are needed"
    return starts, Note("optotagging", f"{found}: no unit is judged")


def optotagged_units(
    spikes: Spikes, units: pd.DataFrame, epochs: pd.DataFrame | None, invalid: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Judge every unit by what it does after pulses of light.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id`` and ``probe``.
    epochs, invalid
        Tables ``optogenetic_epochs`` and ``invalid_times`` of the events; None where the session has none.

    Returns
    -------
    tuple
        Schema `OPTOTAGGING`, one row per unit: all null but for ``n_pulses`` where fewer than `MIN_PULSES` count; and
        what was missing or left out.
    """
    if len(units) != spikes.n_units:
        raise ValueError(f"{len(units)} units but spikes of {spikes.n_units}")
    pulses, lacking = light_pulses(epochs)
    notes = [] if lacking is None else [lacking]
    probes = units["probe"].tolist()
    by_probe = _valid_pulses(pulses, probes, invalid, spikes.recorded_time)
    for probe, kept in by_probe.items():
        if len(kept) < len(pulses):
            left_out = f"{len(pulses) - len(kept)} of {len(pulses)} pulses"
            text = f"{left_out} lie in invalid or unrecorded time of {probe} and are left out"
            notes.append(Note("optotagging", text))
    rows = [_unit(spikes.of_unit(k), by_probe[probe]) for k, probe in enumerate(probes)]
    table = units[["unit_id", "probe"]].reset_index(drop=True).join(pd.DataFrame(rows, columns=_MEASURED))
    return OPTOTAGGING.conform(_judged(table)), tuple(notes)


_MEASURED = (
    "n_pulses", "n_answered", "n_windows", "n_baseline", "reliability", "baseline_reliability", "evoked_rate",
    "baseline_rate", "latency", "jitter",
)  # fmt: skip


def _valid_pulses(
    pulses: FloatArray, probes: Sequence[str], invalid: pd.DataFrame | None, recorded: RecordedTime
) -> Mapping[str, FloatArray]:
    """Return the pulses that count for each probe."""
    unrecorded: list[tuple[float, float]] = []
    if recorded.stop >= recorded.start:
        outside = [(-np.inf, recorded.start - NEARLY_S), (recorded.stop + NEARLY_S, np.inf)]
        unrecorded = [*outside, *recorded.pauses]
    found = {}
    for probe in dict.fromkeys(probes):
        stated: list[tuple[float, float]] = []
        if invalid is not None:
            rows = invalid[invalid["scope"].isin((*OPTOTAGGING_SCOPES, probe))]
            stated = list(zip(rows["start_time"], rows["stop_time"]))
        intervals = merged_pairs([*stated, *unrecorded])
        found[probe] = pulses[~overlapping(pulses - BASELINE_S, pulses + RESPONSE_S[1], intervals)]
    return found


def _unit(times: FloatArray, pulses: FloatArray) -> tuple[float, ...]:
    """Return what is measured of one unit, in the order of `_MEASURED`."""
    if len(pulses) < MIN_PULSES:
        return (len(pulses), 0, 0, 0, *[np.nan] * 6)
    width = RESPONSE_S[1] - RESPONSE_S[0]
    first = np.searchsorted(times, pulses + RESPONSE_S[0])
    evoked = np.searchsorted(times, pulses + RESPONSE_S[1]) - first
    before = (pulses[:, None] - BASELINE_S + width * np.arange(N_BASELINE)).ravel()
    baseline = np.searchsorted(times, before + width) - np.searchsorted(times, before)
    answered = evoked > 0
    latencies = times[first[answered]] - pulses[answered]
    return (
        len(pulses),
        int(answered.sum()),
        len(before),
        int((baseline > 0).sum()),
        answered.mean(),
        (baseline > 0).mean(),
        evoked.mean() / width,
        baseline.mean() / width,
        float(np.median(latencies)) if len(latencies) else np.nan,
        float(latencies.std()) if len(latencies) > 1 else np.nan,
    )


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """Add p, q and the verdict."""
    from scipy.stats import false_discovery_control, hypergeom

    judged = (table["n_pulses"] >= MIN_PULSES).to_numpy(dtype=bool)
    for name in ("p_value", "q_value", "optotagged"):
        table[name] = np.full(len(table), np.nan)
    if judged.any():
        rows = table[judged]
        answered, with_spike = rows["n_answered"].astype(int), rows["n_baseline"].astype(int)
        n = rows["n_pulses"].astype(int)
        p = hypergeom.sf(answered - 1, n + rows["n_windows"].astype(int), answered + with_spike, n)
        q = false_discovery_control(np.clip(p, 0.0, 1.0))
        is_driven = rows["evoked_rate"] > MIN_RATE_RATIO * (rows["baseline_rate"] + 1.0)
        is_tagged = (q <= MAX_Q) & (rows["reliability"] >= MIN_RELIABILITY) & is_driven
        table.loc[judged, "p_value"], table.loc[judged, "q_value"] = p, q
        table.loc[judged, "optotagged"] = is_tagged.astype(np.float64)
    return table[OPTOTAGGING.names]
