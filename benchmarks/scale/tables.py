"""Tables of the projection in Markdown: what sessions take, what a cloud asks, which machine makes them.

Contains nothing that is typed by hand but the heads of columns. What was measured has `measured_tables`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.scale.assumed import Assumed, Machine
from benchmarks.scale.projection import Cost, Measured, bill, fit, mixed, release_costs

COUNTS = (10, 100, 1000, 10_000)
"""Sessions that are projected, beside the releases as they are published."""
NOT_MEASURED = "not yet measured"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many digits that count, thousands apart; a dash where it is not known."""
    if math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    rounded = round(value, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{rounded:,.{places}f}"


def size(n_bytes: float) -> str:
    """Return bytes in kB, MB, GB or TB of thousands."""
    if math.isnan(n_bytes):
        return "–"
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= factor:
            return f"{number(n_bytes / factor)} {unit}"
    return f"{number(n_bytes / 1e3)} kB"


def hours(value: float) -> str:
    """Return hours as seconds, minutes, hours or days."""
    if math.isnan(value):
        return "–"
    if value < 1 / 30:
        return f"{number(value * 3600, 2)} s"
    if value < 1:
        return f"{round(value * 60)} min"
    return f"{number(value, 2)} h" if value < 72 else f"{number(value / 24, 2)} days"


def asked_for(assumed: Assumed, measured: Mapping[str, Measured], counts: Sequence[int]) -> dict[str, Cost]:
    """Return costs by what they are of: so many sessions in the proportions of the releases, and the releases whole."""
    costs = release_costs(assumed, measured)
    whole = round(sum(cost.n_sessions for cost in costs.values()))
    every = {f"{count:,}": mixed(costs, count) for count in counts}
    every[f"**{whole:,}: the releases**"] = mixed(costs, whole)
    return dict(sorted(every.items(), key=lambda item: item[1].n_sessions))


def sessions_table(assumed: Assumed, measured: Mapping[str, Measured]) -> str:
    """Return what a mean session of each release takes."""
    head = ["a session of", "units", "spikes", "upstream", "store", "windows in it", "CPU s", "memory", "requests"]
    rows = []
    for source, cost in release_costs(assumed, measured).items():
        release = assumed.releases[source]
        one = cost.times(1 / release.n_sessions)
        rows.append([f"{release.title} (`{source}`)", number(release.units), f"{number(release.spikes / 1e6)} million",
                     size(one.raw_bytes), size(one.store_bytes), size(one.window_bytes), number(one.cpu_s),
                     f"{number(one.peak_gb, 2)} GB", number(one.writes + one.reads)])  # fmt: skip
    return table(head, rows)


def amounts_table(assumed: Assumed, measured: Mapping[str, Measured], counts: Sequence[int] = COUNTS) -> str:
    """Return what more and more sessions take."""
    head = ["sessions", "upstream files", "store", "windows in it", "Dagster's history", "CPU hours",
            "writes", "reads"]  # fmt: skip
    rows = [
        [name, size(cost.raw_bytes), size(cost.store_bytes), size(cost.window_bytes), size(cost.history_bytes),
         number(cost.cpu_s / 3600), number(cost.writes), number(cost.reads)]
        for name, cost in asked_for(assumed, measured, counts).items()
    ]  # fmt: skip
    return table(head, rows)


def bills_table(assumed: Assumed, measured: Mapping[str, Measured], counts: Sequence[int] = COUNTS) -> str:
    """Return what a cloud asks for more and more sessions."""
    sign = assumed.prices.currency
    head = ["sessions", f"once: CPU, {sign}", f"once: requests, {sign}", f"store a month, {sign}",
            f"upstream files kept, a month, {sign}", f"database and server a month, {sign}",
            f"whole store taken out, {sign}"]  # fmt: skip
    rows = []
    for name, cost in asked_for(assumed, measured, counts).items():
        of = bill(cost, assumed.prices)
        asked = (of.compute, of.requests, of.store_month, of.raw_month, of.services_month, of.out)
        rows.append([name, *(_money(value) for value in asked)])
    return table(head, rows)


def machines_table(
    assumed: Assumed, measured: Mapping[str, Measured], every: Measured, counts: Sequence[int] = COUNTS
) -> str:
    """Return how long machines take for more and more sessions, and where their disks end."""
    head = ["sessions", *(f"{one.title} ({_machine(one)})" for one in assumed.machines.values())]
    rows = []
    for name, cost in asked_for(assumed, measured, counts).items():
        cells = []
        for machine in assumed.machines.values():
            of = fit(cost, machine, every)
            if of.lacking_bytes:
                cells.append(f"**no room**: {size(of.lacking_bytes)} lack")
                continue
            why = ", of downloads" if of.is_downloads else f", {of.runs} sessions at a time"
            raw = "" if of.keeps_raw else "; `keep_raw: false`"
            cells.append(f"{hours(of.hours)}{why}{raw}")
        rows.append([name, *cells])
    return table(head, rows)


def prices_table(assumed: Assumed) -> str:
    """Return the prices that are assumed."""
    prices, sign = assumed.prices, assumed.prices.currency
    rows = [
        ["an hour of a virtual CPU with 4 GB", prices.cpu_hour],
        ["a GB (10⁹ bytes) in a bucket, a month", prices.bucket_gb_month],
        ["a GB on a disk, a month", prices.disk_gb_month],
        ["1,000 writes (PUT, POST, LIST)", prices.writes_per_1000],
        ["1,000 reads (GET, HEAD)", prices.reads_per_1000],
        ["a GB out of the cloud", prices.out_gb],
        ["PostgreSQL, a month", prices.database_month],
        ["page, daemon, code server, Redis, a month", prices.server_month],
    ]
    return table([f"assumed on {assumed.stated}", sign], ([str(what), f"{price:g}"] for what, price in rows))


def _money(value: float) -> str:
    if math.isnan(value):
        return "–"
    return "< 0.01" if 0 < value < 0.01 else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def _machine(machine: Machine) -> str:
    disk = f", {size(machine.disk_gb * 1e9)} disk" if machine.disk_gb else ""
    return f"{machine.cores} CPUs, {machine.memory_gb:g} GB{disk}, {machine.download_mb_s:g} MB/s"
