"""Simulated IBL sessions, more and more of them in one release: ``python -m benchmarks.rehearsal.simulate``.

Contains the command that writes them, a process of its own so that its time is its own. What they hold is
`nh_platform.simulation`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from nh_platform.simulation import SIZES, write_ibl

SEED = 7


def written(root: Path) -> list[str]:
    """Return the ids of the sessions that the tables of a release list, sorted; none where there are no tables."""
    path = root / "sessions.pqt"
    return sorted(pd.read_parquet(path).index) if path.exists() else []


def main() -> None:
    """Write sessions until there are as many as asked for, and say how far it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--until", type=int, required=True, help="number of sessions of the release")
    parser.add_argument("--size", choices=SIZES, default="tiny")
    arguments = parser.parse_args()
    for number in range(len(written(arguments.root)), arguments.until):
        write_ibl(arguments.root, 1, SEED, size=SIZES[arguments.size], first=number)
        if (number + 1) % 25 == 0 or number + 1 == arguments.until or arguments.size == "benchmark":
            print(f"  session {number + 1} of {arguments.until} written", flush=True)


if __name__ == "__main__":
    main()
