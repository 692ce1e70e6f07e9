"""The release's own unit metrics and labels, row by row beside the units.

Metrics are taken as upstream states them, in V, µm and Hz, and are never recomputed here (ibllib recomputes silently
where lengths disagree). Add here what a release says about a unit's quality. Rules and labels of ours belong to `qc`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.sources.ibl.released_columns import NUMBERS
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
        of ``units``. A metric that one probe's table lacks, a cluster that it leaves out, and every metric of a probe
        whose table is missing or damaged are NaN, with a note.

    """
    parts = []
    for probe, of_probe in units.groupby("probe", sort=False):
        part = files.optional(METRICS, _of_probe, session, str(probe), of_probe["cluster_id"].to_numpy(), files)
        if part is None:
            files.note(METRICS, f"{probe} has no released metrics that can be used; NaN, and recomputed ones judge")
            part = pd.DataFrame(index=range(len(of_probe)))
        parts.append(part.set_axis(of_probe.index))
    names = list(dict.fromkeys(name for part in parts for name in part.columns))
    having = {name: [part for part in parts if name in part] for name in names}
    for name, found in having.items():
        lacking = [part for part in parts if name not in part and len(part.columns)]
        if lacking:
            probes = ", ".join(sorted({str(units.loc[part.index[0], "probe"]) for part in lacking if len(part)}))
            files.note(METRICS, f"{name} is not in the table of {probes}; NaN")
        kinds = {part[name].dtype.kind for part in found}
        if "O" in kinds and len(kinds) > 1:
            files.note(METRICS, f"{name} is text of one probe and numbers of another; kept as text")
            for part in found:
                part[name] = _as_text(part[name])
        elif len(kinds) > 1 or sum(map(len, found)) < len(units):
            for part in found:  # neither a truth value nor a whole number can be missing
                part[name] = _as_missing(part[name])
    released = pd.concat(parts) if parts else pd.DataFrame(index=units.index)
    released = released.loc[units.index]
    released = released.rename(columns=lambda name: f"released.{name}")
    released.insert(0, "unit_id", units["unit_id"])
    return released.reset_index(drop=True)


def _of_probe(session: SessionFiles, probe: str, clusters: np.ndarray, files: OpenFiles) -> pd.DataFrame:
    """Return the metrics of the clusters of one probe, in their order."""
    collection = _collection(session, probe, files)
    return _rows_by_cluster(files.table(collection, METRICS), clusters, files.label(collection, METRICS), files)


def _collection(session: SessionFiles, probe: str, files: OpenFiles) -> str:
    """Return the collection of a probe's metrics; of its sorting, where there are no metrics."""
    for rows in (files.rows[files.rows["name"] == METRICS], session.of_group("spikes")):
        found = rows.loc[rows["probe"] == probe, "collection"]
        if len(found):
            return str(found.iloc[0])
    return f"alf/{probe}"


def _rows_by_cluster(table: pd.DataFrame, clusters: np.ndarray, path: str, files: OpenFiles) -> pd.DataFrame:
    """Return the metrics of ``clusters`` in this order; NaN and a note for clusters that the table leaves out.

    Upstream's own tables leave out clusters without spikes.

    Raises
    ------
    BadUpstreamData
        If rows cannot be told apart: a cluster occurs twice, or there is no ``cluster_id`` and another number of rows.
    """
    if "cluster_id" not in table and table.index.name == "cluster_id":
        table = table.reset_index()
    if "cluster_id" in table:
        ids = pd.to_numeric(table["cluster_id"], errors="coerce").to_numpy(dtype=np.float64)
        if not np.isfinite(ids).all() or len(np.unique(ids)) != len(ids):
            raise files.bad(path, "cluster_id is not a number, or occurs twice")
        if (np.diff(ids) < 0).any():
            files.note(path, "rows are not in order of cluster_id; each was given to its cluster")
    elif len(table) == len(clusters):
        ids = np.arange(len(table), dtype=np.float64)
    else:
        raise files.bad(path, f"{len(table)} rows for {len(clusters)} clusters, and no cluster_id")
    strange = np.setdiff1d(ids, clusters)
    if len(strange):
        files.note(path, f"{len(strange)} rows are of clusters that the sorting does not have; left out")
    absent = np.setdiff1d(clusters, ids)
    if len(absent):
        listed = ", ".join(map(str, absent[:5])) + (", …" if len(absent) > 5 else "")
        files.note(path, f"{len(absent)} of {len(clusters)} clusters have no row: {listed}; NaN")
    stored = pd.DataFrame(_stored_columns(table, path, files), index=ids)
    if len(absent):
        stored = stored.apply(_as_missing)
    return stored.reindex(clusters.astype(np.float64)).reset_index(drop=True)


def _stored_columns(table: pd.DataFrame, path: str, files: OpenFiles) -> dict[str, npt.NDArray[Any]]:
    """Return the metrics under names that a column can have; what cannot be one is left out, with a note."""
    columns: dict[str, npt.NDArray[Any]] = {}
    for at, stated in enumerate(map(str, table.columns)):
        name = re.sub(r"[^A-Za-z0-9_]", "_", stated)
        if stated in _IDENTITY:
            continue
        if not name or name in columns:
            files.note(path, f"column {stated!r}: another one has this name, or it has none; left out")
            continue
        values = files.optional(METRICS, _as_stored, table.iloc[:, at].rename(name), path, files)
        if values is not None:
            columns[name] = values.to_numpy()
    return columns


def _as_missing(values: pd.Series) -> pd.Series:
    """Return the values in a dtype that can be missing."""
    return values.astype("float64") if values.dtype.kind in "biu" else values


def _is_stated(value: object) -> bool:
    return not (pd.api.types.is_scalar(value) and pd.isna(value))


def _as_text(values: pd.Series) -> pd.Series:
    return pd.Series([None if pd.isna(value) else str(value) for value in values], dtype=object, index=values.index)


def _as_stored(values: pd.Series, path: str, files: OpenFiles) -> pd.Series:
    """Return the values in a dtype of the `RELEASED` columns; wider where upstream's own is not among them.

    A metric that is a number everywhere else and holds something else here is NaN, with a note.

    Raises
    ------
    BadUpstreamData
        If the values are no single numbers or texts.
    """
    if not isinstance(values.dtype, np.dtype):  # nullable, categorical, decimal: their values count
        values = values.astype(object)
        if all(pd.api.types.is_number(value) or pd.api.types.is_bool(value) for value in values.dropna()):
            values = values.where(values.notna(), np.nan).astype("float64")
    kind = values.dtype.kind
    if values.name in NUMBERS and kind not in "biuf":
        single = values.map(lambda value: pd.api.types.is_scalar(value) and not isinstance(value, bytes))
        numbers = pd.to_numeric(values.astype(object).where(single & (kind == "O")), errors="coerce").astype("float64")
        others = sum(map(_is_stated, values)) - int(numbers.notna().sum())
        if others:
            files.note(path, f"{values.name}: {others} of {len(values)} values are no numbers; NaN")
        return numbers
    if kind == "b" or str(values.dtype) in ("float64", "float32", "int64", "uint8"):
        return values
    if kind in "iu":
        return values.astype("int64")
    if kind == "f":
        return values.astype("float64")
    if not all(map(pd.api.types.is_scalar, values)):
        raise files.bad(path, f"column {values.name} holds lists or tables, expected single numbers or texts")
    return _as_text(values)
