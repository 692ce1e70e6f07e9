"""Benchmarks: ``uv run python -m benchmarks [NAME...]`` measures rows and makes ``docs/benchmarks.md`` of them.

    uv run python -m benchmarks                     every row, 5 runs a side, environments of peers made as needed
    uv run python -m benchmarks session-bins        one row; the page keeps what it said of others
    uv run python -m benchmarks --quick             small data, 3 runs: gates, and gross regressions; nothing is stored;
                                                    rows that differ from another in size alone are left out
    uv run python -m benchmarks --growth            time and memory against spikes, units, sessions; a figure
    uv run python -m benchmarks --list              names of rows

Before a time is printed, values are compared: a peer that found something else gets no ratio. Exit 1 where a gate does
not hold, a peer failed, an aim is missed or something grows faster than in proportion.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import growth
from benchmarks.harness.comparison import compare, is_sound
from benchmarks.harness.limits import measure_limits
from benchmarks.harness.page import printed, write_page
from benchmarks.harness.results import read_results, stamped, write_results
from benchmarks.rows import ALL


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="small data, 3 runs, nothing stored")
    parser.add_argument("--list", action="store_true", help="print the names of all rows and end")
    parser.add_argument("--growth", action="store_true", help="curves of growth in place of rows")
    parser.add_argument("--runs", type=int, help="turns of each side (5, or 3 with --quick)")
    asked = parser.parse_args(arguments)
    rows = {row.name: row for row in ALL}
    if asked.list:
        print("\n".join(f"{name:28} {row.what}" for name, row in rows.items()))
        return 0
    if asked.growth:
        return _grow()
    unknown = [name for name in asked.names if name not in rows]
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; rows are {', '.join(rows)}")
    chosen = [rows[name] for name in asked.names or rows if asked.names or rows[name].is_in_quick or not asked.quick]
    n_runs = asked.runs or (3 if asked.quick else 5)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        limits = measure_limits(folder)
        for number, row in enumerate(chosen, 1):
            print(f"[{number}/{len(chosen)}] {row.name} ...", file=sys.stderr, flush=True)
            result = compare(row, folder, quick=asked.quick, n_runs=n_runs, limits=limits)
            print(printed(result), flush=True)
            wrong += is_sound(result, quick=asked.quick)
            if not asked.quick:
                stored = {**read_results(), row.name: stamped(result, limits)}
                write_results(stored, rows)
                write_page(stored, ALL)
    load = os.getloadavg()[0]
    sound = "every gate holds, no gross regression" if asked.quick else "every gate holds and every aim is met"
    print("\n".join(["", *wrong]) if wrong else f"{sound} (load {load:.1f})")
    return 1 if wrong else 0


def _grow() -> int:
    """Measure every curve, store, draw and print them, and return the exit status."""
    curves = []
    with tempfile.TemporaryDirectory() as made:
        for number, curve in enumerate(growth.CURVES, 1):
            print(f"[{number}/{len(growth.CURVES)}] {curve.what} ...", file=sys.stderr, flush=True)
            curves.append(growth.measure(curve, Path(made)))
    growth.write(curves)
    growth.draw(curves)
    write_page(read_results(), ALL)
    print(growth.table(curves))
    wrong = [words for one in curves for words in growth.too_steep(one)]
    print("\n".join(wrong) if wrong else "nothing grows faster than in proportion")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
