"""What sessions cost that nobody has made yet: bytes, CPU hours, requests and money, by a formula that can be read.

Contains the formula. Sizes and CPU seconds are those of `nh_platform.planning.session_sizes`, by which
`nh backfill --dry-run` estimates too. Add here only what it does not know: memory, requests, prices, time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.scale.assumed import Assumed, Machine, Prices, Release
from nh_platform.assets.registry import session_assets
from nh_platform.planning.peak_memory import peak_memory_gb
from nh_platform.planning.session_sizes import SessionSize, expected_bytes, expected_cpu_s, measured_sizes
from nh_platform.store.objects.uploads import IN_ONE_PIECE, PART_BYTES


@dataclass(frozen=True)
class Measured:
    """What a rehearsal measured and no file states; NaN before it did.

    Parameters
    ----------
    history_bytes
        Bytes of Dagster's history that a session adds.
    writes, reads
        Requests to a bucket that making a session takes, beside the parts of large files.
    efficiency
        Share of a second worker that shortens the work: 1 where two take half the time of one.
    """

    history_bytes: float = math.nan
    writes: float = math.nan
    reads: float = math.nan
    efficiency: float = math.nan


@dataclass(frozen=True)
class Cost:
    """What sessions take.

    Parameters
    ----------
    n_sessions
        How many.
    raw_bytes, store_bytes, window_bytes, history_bytes
        Of upstream files, of the store, of the windows in it, of Dagster's history.
    cpu_s
        CPU seconds of all processes of their runs.
    peak_gb
        Most memory that the run of one session takes [10⁹ bytes].
    writes, reads
        Requests to the bucket of the store.
    """

    n_sessions: float
    raw_bytes: float
    store_bytes: float
    window_bytes: float
    history_bytes: float
    cpu_s: float
    peak_gb: float
    writes: float
    reads: float

    def times(self, factor: float) -> Cost:
        """Return the cost of so many times as many sessions."""
        sums = {name: value * factor for name, value in vars(self).items() if name != "peak_gb"}
        return Cost(**sums, peak_gb=self.peak_gb)

    def __add__(self, other: Cost) -> Cost:
        """Return both together."""
        sums = {name: value + getattr(other, name) for name, value in vars(self).items() if name != "peak_gb"}
        return Cost(**sums, peak_gb=max(self.peak_gb, other.peak_gb))


def session_cost(source: str, release: Release, measured: Measured) -> Cost:
    """Return what a mean session of a release takes."""
    size = SessionSize(release.spikes, release.units)
    assets, taken = session_assets(source), measured_sizes(source)
    n_bytes = {name: expected_bytes(taken, name, [size]) for name in assets}
    known = [value for value in n_bytes.values() if not math.isnan(value)]
    parts = sum(math.ceil(value / PART_BYTES) + 1 for value in known if value > IN_ONE_PIECE)
    return Cost(
        n_sessions=1,
        raw_bytes=release.raw_bytes,
        store_bytes=math.fsum(known),
        window_bytes=n_bytes.get("windows", 0.0),
        history_bytes=measured.history_bytes,
        cpu_s=expected_cpu_s(source, [size]),
        peak_gb=peak_memory_gb(assets.values(), _spike_file_bytes(release)),
        writes=measured.writes + parts,
        reads=measured.reads,
    )


def _spike_file_bytes(release: Release) -> float:
    """Return the bytes of a session's spike files, by which its memory is stated."""
    return release.spikes * release.raw_bytes_per_spike or release.raw_bytes


def release_costs(assumed: Assumed, measured: Mapping[str, Measured]) -> dict[str, Cost]:
    """Return what each release takes as it is published."""
    return {
        source: session_cost(source, release, measured.get(source, Measured())).times(release.n_sessions)
        for source, release in assumed.releases.items()
    }


def mixed(costs: Mapping[str, Cost], n_sessions: float) -> Cost:
    """Return what so many sessions of all releases in their proportions take."""
    first, *rest = costs.values()
    whole = sum(rest, first)
    return whole.times(n_sessions / whole.n_sessions)


@dataclass(frozen=True)
class Bill:
    """What a cloud asks.

    Parameters
    ----------
    compute, requests
        Once, for making: CPU hours, and requests to the bucket.
    store_month, raw_month
        Each month: the store, and the raw files where they are kept.
    services_month
        Each month: database, and the server of page and daemon.
    out
        Once, for taking the whole store out.
    """

    compute: float
    requests: float
    store_month: float
    raw_month: float
    services_month: float
    out: float

    @property
    def once(self) -> float:
        """What making costs."""
        return self.compute + (0.0 if math.isnan(self.requests) else self.requests)


def bill(cost: Cost, prices: Prices) -> Bill:
    """Return what a cloud asks for sessions whose store lies in a bucket."""
    return Bill(
        compute=cost.cpu_s / 3600 * prices.cpu_hour,
        requests=(cost.writes * prices.writes_per_1000 + cost.reads * prices.reads_per_1000) / 1000,
        store_month=cost.store_bytes / 1e9 * prices.bucket_gb_month,
        raw_month=cost.raw_bytes / 1e9 * prices.bucket_gb_month,
        services_month=prices.database_month + prices.server_month,
        out=cost.store_bytes / 1e9 * prices.out_gb,
    )


@dataclass(frozen=True)
class Fit:
    """How a machine makes sessions.

    Parameters
    ----------
    runs
        Sessions at a time: as many as it has cores, and memory for.
    hours
        Until all are made: of downloads or of work, whichever is longer.
    is_downloads
        Whether downloads are.
    lacking_bytes
        What its disk lacks for store and history, without raw files; 0 where there is room.
    keeps_raw
        Whether there is room for raw files too.
    """

    runs: int
    hours: float
    is_downloads: bool
    lacking_bytes: float
    keeps_raw: bool


def fit(cost: Cost, machine: Machine, measured: Measured) -> Fit:
    """Return how a machine makes sessions.

    Sessions of the mean size are taken, each in a run of one CPU. Before the gain of more workers is measured, none of
    it is taken for lost.
    """
    runs = max(1, min(machine.cores, int(machine.memory_gb / cost.peak_gb), machine.runs or machine.cores))
    efficiency = 1.0 if math.isnan(measured.efficiency) else measured.efficiency
    work_s = cost.cpu_s / (1 + (runs - 1) * efficiency)
    download_s = cost.raw_bytes / (machine.download_mb_s * 1e6)
    disk = math.inf if machine.disk_gb is None else machine.disk_gb * 1e9
    kept = cost.store_bytes + (0.0 if math.isnan(cost.history_bytes) else cost.history_bytes)
    return Fit(
        runs=runs,
        hours=max(work_s, download_s) / 3600,
        is_downloads=download_s > work_s,
        lacking_bytes=max(0.0, kept - disk),
        keeps_raw=kept + cost.raw_bytes <= disk,
    )
