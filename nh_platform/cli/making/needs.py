"""What a backfill needs, as `nh backfill --dry-run` prints it: what comes, what is written, time, and free space."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.markup import escape

from nh_platform.cli import console
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from pathlib import Path

    from nh_platform.operations.backfills.backfill_needs import BackfillNeeds

_HOUR_S = 3600.0


def print_needs(source: str, needs: BackfillNeeds) -> None:
    """Print what a backfill needs and how it is estimated, what the guide states, and which disk is too small."""
    console.print_table(_rows(needs), "What it needs")
    from_what = (
        f"{counted(needs.n_measured, 'stored session')} of this home"
        if needs.n_measured
        else "sessions of the size of a real insertion (benchmarks/bench_storage.py)"
    )
    console.say(
        f"Store: bytes per spike, unit or session of {from_what}, times {_in_millions(needs.n_spikes)} spikes and "
        f"{_in_thousands(needs.n_units)} units. Spikes are those of the stated sizes of files: 8 bytes in "
        "spikes.times.npy; (bytes - units * 251,904) / 16 of an NWB file, at most. What earlier versions of the "
        "platform stored stays until `nh clean` and is not in it."
    )
    if needs.unknown_assets:
        console.say(f"Not estimated, nothing is known of their size: {', '.join(needs.unknown_assets)}.")
    if needs.guide:
        console.print_table(_guide_rows(needs), "The guide's storage table")
    for folder, lacking in needs.lacking().items():
        console.say(
            f"[yellow]warning[/]: {decimal(int(lacking))} more than the disk of {escape(str(folder))} has free; free "
            "space, take fewer sessions (`--limit`), keep no raw files (`keep_raw: false`), or name a larger disk",
            hanging=9,
            to=console.err,
        )


def _rows(needs: BackfillNeeds) -> list[dict[str, str]]:
    from nh_platform.store.objects.address import shown

    raw = f"read in place, in {needs.in_place}"
    if needs.in_place is None:
        raw = "sizes as upstream states them"
        raw = "parts of files that the assets read, where they lie (`ranges: true`)" if needs.by_ranges else raw
        raw += f"; {decimal(int(needs.held))} are there" if needs.held else ""
        raw += _not_counted(needs) if needs.n_unstated else ""
        raw += "" if needs.keeps_raw else "; none stays"
        raw += "" if needs.keeps_raw or needs.by_ranges else f", the largest session has {_size(needs.most_of_session)}"
        raw += _passing(needs, needs.raw_folder, needs.raw_room, needs.raw_free) if needs.keeps_raw else ""
    passing = _passing(needs, needs.store_folder, needs.store_room, needs.store_free)
    is_shared = needs.is_one_disk and not needs.is_in_bucket(needs.raw_folder)
    store_free = "a bucket" if passing else "the same disk" if is_shared else decimal(needs.store_free)
    network = f"; {_hours(needs.download_s)} of downloads at 10 MB/s" if needs.to_fetch else ""
    return [
        {
            "what": "raw",
            "estimate": _size(needs.to_fetch),
            "free": "a bucket" if needs.is_in_bucket(needs.raw_folder) else decimal(needs.raw_free),
            "how": raw,
        },
        {
            "what": "store",
            "estimate": _size(needs.store_bytes),
            "free": store_free,
            "how": f"the assets that it makes, in {shown(needs.store_folder)}{passing}",
        },
        {"what": "of it windows", "estimate": _size(needs.window_bytes), "free": "", "how": "of all presets"},
        {
            "what": "CPU time",
            "estimate": _hours(needs.cpu_s),
            "free": "",
            "how": f"whole chain, on one core{network}",
        },
    ]


def _not_counted(needs: BackfillNeeds) -> str:
    if needs.by_ranges:
        return f"; of {counted(needs.n_unstated, 'session')} not all is counted: nothing tells how large some parts are"
    return f"; {counted(needs.n_unstated, 'file')} without a size not counted"


def _passing(needs: BackfillNeeds, folder: Path, room: float, free: int) -> str:
    disk = needs.disk_of(folder)
    return "" if disk == folder else f"; passes {disk} by session: {_size(room)} of {decimal(free)} free there"


def _guide_rows(needs: BackfillNeeds) -> list[dict[str, str]]:
    ours = {"raw": needs.to_fetch + needs.held, "store": needs.store_bytes}
    rows = []
    for row in needs.guide:
        share = needs.n_sessions / row.n_sessions
        rows.append(
            {
                "what": row.what,
                "guide": f"{_range(row.least, row.most)} for {row.n_sessions} sessions",
                "of so many sessions": _range(row.least * share, row.most * share),
                "here": "read in place" if row.what == "raw" and needs.in_place else _size(ours[row.what]),
            }
        )
    return rows


def _range(least: float, most: float) -> str:
    return _size(least) if least == most else f"{_size(least)} to {_size(most)}"


def _size(n_bytes: float) -> str:
    return "unknown" if math.isnan(n_bytes) else decimal(int(n_bytes))


def _hours(seconds: float) -> str:
    if math.isnan(seconds):
        return "unknown"
    for unit, length in (("h", _HOUR_S), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{math.ceil(seconds)} s"


def _in_millions(number: float) -> str:
    return f"{number / 1e6:,.1f} million" if number >= 1e6 else _in_thousands(number)


def _in_thousands(number: float) -> str:
    return "an unknown number of" if math.isnan(number) else f"{number:,.0f}"
