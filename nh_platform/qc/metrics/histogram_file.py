"""Histograms of units ↔ HDF5: one group per definition, with its id, counts and edges.

Contains the file that lies beside `units.parquet`. What is counted is `interval_histograms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nh_platform.qc.metrics.definitions.lookup import HISTOGRAMS
from nh_platform.qc.metrics.interval_histograms import UnitHistogram
from nh_platform.session import StoreError
from nh_platform.store.codecs.hdf5 import create_dataset, create_file, open_file
from nh_platform.store.file_hashes import is_stored

FILE = "histograms.h5"


def write_histograms(folder: Path, histograms: Mapping[str, UnitHistogram]) -> None:
    """Write histograms by definition id. Counts are uint32: a bin of a recording of hours stays far below 4e9."""
    with create_file(folder / FILE) as file:
        for definition_id in sorted(histograms):
            known, made = HISTOGRAMS[definition_id], histograms[definition_id]
            group = file.create_group(known.name)
            group.attrs["definition"] = definition_id
            meaning = (
                f"{known.meaning} Row i is row i of units.parquet; bin k holds edges_s[k] <= value < edges_s[k + 1]"
            )
            create_dataset(group, "counts", made.counts.astype(np.uint32), unit=known.unit, meaning=meaning)
            create_dataset(group, "edges_s", made.edges_s, unit="s", meaning="Edges of the bins")


def read_histograms(folder: Path) -> dict[str, UnitHistogram]:
    """Read the histograms of a version of `units`, by definition id.

    Raises
    ------
    StoreError
        If the file is missing, as in units of an older version, or is not a whole HDF5 file.
    """
    path = folder / FILE
    if not is_stored(path):
        raise StoreError(str(path), "these units were made without histograms", "Materialize the asset `units` again.")
    with open_file(path) as file:
        return {
            str(group.attrs["definition"]): UnitHistogram(
                str(group.attrs["definition"]), group["counts"][()].astype(np.int64), group["edges_s"][()]
            )
            for group in file.values()
        }
