"""The release's own unit metrics and labels, row by row beside the units.

Metrics are taken as upstream states them, in V, µm and Hz, and are never recomputed here (ibllib recomputes silently
where lengths disagree). Add here what a release says about a unit's quality. Rules and labels of ours belong to `qc`.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.sources.ibl.session.verified_files import OpenFiles

METRICS = "clusters.metrics.pqt"

_IDENTITY = ("cluster_id", "uuids")
"""Columns of the table that identify the row and are no metric."""


def read_released(session: SessionFiles, units: pd.DataFrame, files: OpenFiles) -> pd.DataFrame:
    """Read the metrics of every probe that has units.

    Parameters
    ----------
    session
        The session's part of the manifest; names where a missing table should have been.
    units
        (n_units, …) schema `RAW_UNITS`.
    files
        The session's files of group ``qc``.

    Returns
    -------
    pandas.DataFrame
        (n_units, 1 + n_metrics): ``unit_id`` and ``released.<metric>`` with upstream's names and dtypes, in the order
        of ``units``. A metric that one probe's table lacks is NaN there, with a note.

    Raises
    ------
    BadUpstreamData
        If a probe has no metrics table, or the table's rows are not the probe's clusters.
    """
    parts = []
    for probe, of_probe in units.groupby("probe", sort=False):
        collection = _collection(session, str(probe), files)
        table = files.table(collection, METRICS)
        part = _rows_by_cluster(table, of_probe["cluster_id"].to_numpy(), files.label(collection, METRICS), files)
        parts.append(part.set_axis(of_probe.index))
    released = pd.concat(parts) if parts else pd.DataFrame(index=units.index)
    for name in released.columns:
        lacking = [part for part in parts if name not in part]
        if lacking:
            probes = ", ".join(sorted({str(units.loc[part.index[0], "probe"]) for part in lacking if len(part)}))
            files.note(METRICS, f"{name} is not in the table of {probes}; NaN")
            if all(part[name].dtype.kind == "b" for part in parts if name in part):
                released[name] = released[name].astype("float64")  # a bool cannot be missing
    released = released.loc[units.index]
    released = released.rename(columns=lambda name: "released." + re.sub(r"[^A-Za-z0-9_]", "_", str(name)))
    released.insert(0, "unit_id", units["unit_id"])
    return released.reset_index(drop=True)


def _collection(session: SessionFiles, probe: str, files: OpenFiles) -> str:
    """Return the collection of a probe's metrics; of its sorting, where there are no metrics."""
    for rows in (files.rows[files.rows["name"] == METRICS], session.of_group("spikes")):
        found = rows.loc[rows["probe"] == probe, "collection"]
        if len(found):
            return str(found.iloc[0])
    return f"alf/{probe}"


def _rows_by_cluster(table: pd.DataFrame, clusters: np.ndarray, path: str, files: OpenFiles) -> pd.DataFrame:
    """Return the metrics of ``clusters`` in this order, or refuse a table that is not of exactly these clusters."""
    if "cluster_id" not in table and table.index.name == "cluster_id":
        table = table.reset_index()
    if "cluster_id" in table:
        ids = table["cluster_id"].to_numpy()
        if (np.diff(ids) <= 0).any():
            first = int(np.flatnonzero(np.diff(ids) <= 0)[0])
            raise files.bad(path, f"cluster_id does not increase: {ids[first]} is followed by {ids[first + 1]}")
        missing = np.setdiff1d(clusters, ids)
        if len(missing):
            listed = ", ".join(map(str, missing[:5])) + (", …" if len(missing) > 5 else "")
            raise files.bad(path, f"{len(missing)} of {len(clusters)} clusters have no row: {listed}")
    else:
        ids = np.arange(len(table))
    if len(table) != len(clusters):
        raise files.bad(path, f"{len(table)} rows for {len(clusters)} clusters")
    kept = table.drop(columns=[name for name in _IDENTITY if name in table])
    in_order = kept.iloc[np.searchsorted(ids, clusters)]
    return pd.DataFrame({name: _as_stored(in_order[name]) for name in kept.columns})


def _as_stored(values: pd.Series) -> pd.Series:
    """Return the values in a dtype of the `RELEASED` columns; wider where upstream's own is not among them."""
    kind = values.dtype.kind
    if kind == "b" or str(values.dtype) in ("float64", "float32", "int64", "uint8"):
        return values
    if kind in "iu":
        return values.astype("int64") if not values.isna().any() else values.astype("float64")
    if kind == "f":
        return values.astype("float64")
    return values.map(lambda value: None if pd.isna(value) else str(value)).astype(object)
