"""Columns of `units` that hold the labels of other curators, and how a rulebook names one.

Contains the columns `curated.<curator>.<label set>`. Add here another form in which a kind of label becomes a column.
The files are read by `label_files.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from nh_platform.qc.reviews.curators.label_files import CuratorLabels
from nh_platform.qc.reviews.curators.stated_labels import set_name
from nh_platform.qc.reviews.curators.unit_matching import sorting_id
from nh_platform.session import Note
from nh_platform.session.tables.units import CURATED_PREFIX


def curated_columns(said: Sequence[CuratorLabels], units: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Return the labels of all curators as columns beside the units of a session.

    A set of one word is text; a number is a number; yes and no are 1 and 0; a set of any words has a column for each
    word, 1 where it was given and 0 where others were. What a curator did not label is null or NaN.

    Parameters
    ----------
    said
        Labels by curator.
    units
        ``unit_id``, ``probe``, ``cluster_id`` and ``n_spikes`` of every unit.

    Returns
    -------
    columns : DataFrame
        ``curated.<curator>.<label set>`` (and ``….<word>``), object or float64, on the index of ``units``.
    notes : tuple of Note
        Labels that are in no column: of units that are gone, or of an earlier sorting.
    """
    ids, probes = units["unit_id"].astype(str).to_numpy(), units["probe"].astype(str).to_numpy()
    now = {str(probe): sorting_id(units, str(probe)) for probe in np.unique(probes)}
    probe_of = dict(zip(ids.tolist(), probes.tolist()))
    columns: dict[str, np.ndarray] = {}
    notes: list[Note] = []
    for curator in said:
        current = {
            (one.name, probe)
            for one in curator.label_sets
            for probe in now
            if _is_current(curator, one.name, probe, now)
        }
        answers: dict[str, dict[str, object]] = {one.name: {} for one in curator.label_sets}
        gone, earlier = 0, dict.fromkeys(one.probe for one in curator.imports if one.sorting != now.get(one.probe))
        for unit in curator.units:
            gone += unit.unit not in probe_of
            for name, label in unit.labels.items():
                if (name, probe_of.get(unit.unit, "")) in current:
                    answers[name][unit.unit] = label
        for label_set in curator.label_sets:
            prefix, given = f"{CURATED_PREFIX}{curator.curator}.{label_set.name}", answers[label_set.name]
            if label_set.kind == "category":
                columns[prefix] = np.array([given.get(unit) for unit in ids], dtype=object)
            elif label_set.kind == "categories":
                for option in label_set.options:
                    name = f"{prefix}.{set_name(option, curator.curator)}"
                    columns[name] = _numbers(_holds(given.get(unit), option) for unit in ids)
            else:
                columns[prefix] = _numbers(given.get(unit) for unit in ids)
        subject = f"labels of {curator.curator}"
        if earlier:
            text = f"those of {', '.join(earlier)} are of an earlier sorting and are in no column; import them again"
            notes.append(Note(subject, text))
        elif gone:
            notes.append(Note(subject, f"{gone} labelled units are not in this session"))
    return pd.DataFrame(columns, index=units.index), tuple(notes)


def _is_current(curator: CuratorLabels, label_set: str, probe: str, now: dict[str, str]) -> bool:
    return curator.sorting_of(label_set, probe) == now[probe]


def _holds(given: object, option: str) -> object:
    return None if given is None else isinstance(given, list) and option in given


def _numbers(values: Iterable[object]) -> np.ndarray:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)  # type: ignore[arg-type]
