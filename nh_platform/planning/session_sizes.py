"""What sessions that are not made yet will take: bytes of each asset and CPU seconds, from the rows of a manifest.

Contains the spikes and units that a manifest implies, and what assets take of each. Add the coefficient of an asset to
``measured_sizes.yaml`` when `benchmarks/bench_storage.py` measures it. What is free, and what is to be downloaded,
is asked by `nh_platform.operations.backfills.backfill_needs`.

No manifest states seconds or spikes. Spikes follow from the sizes of files whose layout is fixed, which is exact for
IBL's ``spikes.times.npy`` and an upper bound for NWB files, which hold events and signals too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nh_platform.history.manifest import SessionFiles
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text
from nh_platform.store import Store

NPY_HEADER_BYTES = 128
"""Header of a small .npy file (numpy's format 1.0, padded to 64 bytes)."""
NPY_SPIKE_BYTES = NPY_UNIT_BYTES = 8
"""float64 time of a spike; int64 channel of a unit."""
NWB_SPIKE_BYTES = 16
"""float64 time and amplitude, neither compressed (released files of both Allen sources)."""
NWB_UNIT_BYTES = 384 * 82 * 8
"""Mean waveform of a unit: 384 channels, 82 samples, float64."""

RUN_CPU_S = 2.1
"""What a run takes whatever the size of its session [s]: 1.0 around the work of its assets, ticks of the sensor and the
page included, and 1.1 of that work (`python -m benchmarks.rehearsal`, 459 small sessions by forked runs)."""
RECENT_SESSIONS = 20
"""Stored sessions of a source from which bytes per spike and unit are taken, where there are any."""

Per = Literal["spike", "unit", "session"]


@dataclass(frozen=True)
class Taken:
    """Bytes that an asset takes for each spike, unit or session."""

    n_bytes: float
    per: Per


@functools.cache
def _measured() -> dict[str, Any]:
    path = Path(__file__).with_name("measured_sizes.yaml")
    return dict(parse_yaml(read_text(path), path.name).data)


def measured_sizes(source: str) -> dict[str, Taken]:
    """Return what each asset of a source takes as benchmarks measured it; nothing of a source that was not measured."""
    return _taken(source, "assets")


def measured_ranges(source: str) -> dict[str, Taken]:
    """Return what comes of a session's file for each asset where it is read by ranges; of other sources nothing."""
    return _taken(source, "ranges")


def _taken(source: str, part: str) -> dict[str, Taken]:
    stated = _measured().get(source, {"session_s": 0.0})
    seconds, found = float(stated["session_s"]), dict[str, Taken]()
    for asset, taken in stated.get(part, {}).items():
        ((what, n_bytes),) = taken.items()
        units_of_measure: dict[str, Taken] = {
            "spike": Taken(n_bytes, "spike"),
            "unit": Taken(n_bytes, "unit"),
            "second": Taken(n_bytes * seconds, "session"),
            "unit_second": Taken(n_bytes * seconds, "unit"),
        }
        found[asset] = units_of_measure[what]
    return found


def cpu_s_per_million_spikes(source: str) -> float:
    """Return the CPU seconds of the whole chain per million spikes; NaN of a source that was not measured."""
    return float(_measured().get(source, {}).get("cpu_s_per_million_spikes", np.nan))


@dataclass(frozen=True)
class SessionSize:
    """Spikes and units of a session as the manifest implies them.

    Parameters
    ----------
    n_spikes, n_units
        How many; NaN where no row tells.
    """

    n_spikes: float
    n_units: float

    def of(self, per: Per) -> float:
        """Return how many spikes, units or sessions it is."""
        return {"spike": self.n_spikes, "unit": self.n_units, "session": 1.0}[per]


def session_size(files: SessionFiles, n_units_released: float) -> SessionSize:
    """Return the spikes and units of a session.

    Of ``spikes.times.npy`` each spike takes 8 bytes, of ``clusters.channels.npy`` each unit 8. An NWB file has
    ``(bytes - units * 251,904) / 16`` spikes at most; where units alone are more than the file, its waveforms are of
    fewer channels and half of it is taken for spikes.

    Parameters
    ----------
    files
        The session's rows of the manifest.
    n_units_released
        Units that the manifest states of it; NaN where it states none.
    """
    rows = files.of_group("spikes")
    sizes, names = rows["size"], rows["name"]
    nwb = float(sizes[names.str.endswith(".nwb")].sum(min_count=1))
    if np.isfinite(nwb):
        units = n_units_released if np.isfinite(n_units_released) else 0.0
        left = nwb - units * NWB_UNIT_BYTES
        return SessionSize(max(left, nwb / 2) / NWB_SPIKE_BYTES, n_units_released)
    times, channels = names.eq("spikes.times.npy"), names.eq("clusters.channels.npy")
    n_spikes = float((sizes[times] - NPY_HEADER_BYTES).sum(min_count=1)) / NPY_SPIKE_BYTES
    n_units = n_units_released
    if not np.isfinite(n_units):
        n_units = float((sizes[channels] - NPY_HEADER_BYTES).sum(min_count=1)) / NPY_UNIT_BYTES
    return SessionSize(n_spikes, n_units)


def stored_ratios(store: Store, source: str, sizes: Mapping[str, SessionSize]) -> dict[str, Taken]:
    """Return what the assets of sessions that are stored take, in the measure of `measured_sizes`; of others nothing.

    Parameters
    ----------
    store, source
        Where.
    sizes
        The sessions of the manifest; the first `RECENT_SESSIONS` of them that are stored are looked at.
    """
    measured = measured_sizes(source)
    stored = [name for name in sizes if name in set(store.sessions(source))][:RECENT_SESSIONS]
    n_bytes: dict[str, float] = {}
    amounts: dict[str, float] = {}
    for session_id in stored:
        for asset in store.assets(source, session_id):
            record = store.provenance(source, session_id, asset)
            per: Per = measured[asset].per if asset in measured else "session"
            amount = sizes[session_id].of(per)
            if record is None or not np.isfinite(amount):
                continue
            n_bytes[asset] = n_bytes.get(asset, 0.0) + sum(file.size for file in record.files.values())
            amounts[asset] = amounts.get(asset, 0.0) + amount
    return {
        asset: Taken(n_bytes[asset] / amount, measured[asset].per if asset in measured else "session")
        for asset, amount in amounts.items()
        if amount
    }


def expected_bytes(taken: Mapping[str, Taken], asset: str, sizes: Iterable[SessionSize]) -> float:
    """Return the bytes of one asset of some sessions; NaN where it was never measured or no session tells its size."""
    if asset not in taken:
        return float("nan")
    one = taken[asset]
    amounts = np.array([size.of(one.per) for size in sizes], dtype=np.float64)
    known = amounts[np.isfinite(amounts)]
    # A session that does not tell is taken for one of the middle.
    return float(known.mean() * len(amounts) * one.n_bytes) if len(known) else float("nan")


def expected_cpu_s(source: str, sizes: Iterable[SessionSize]) -> float:
    """Return the CPU seconds of the whole chain of some sessions; NaN where the source was never measured."""
    every = list(sizes)
    rate = cpu_s_per_million_spikes(source)
    known = [size.n_spikes for size in every if np.isfinite(size.n_spikes)]
    spikes = float(np.mean(known)) * len(every) if known else float("nan")
    return len(every) * RUN_CPU_S + spikes / 1e6 * rate
