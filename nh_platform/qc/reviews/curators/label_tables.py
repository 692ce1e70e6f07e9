"""Tables of labels: phy's `cluster_*.tsv`, bombcell's and UnitRefine's tables, and any table with a column of ids.

Contains how such a table is recognised and which of its columns are labels. Add here another tool that writes tables.
Layouts were read in phy's documentation (page "dataset", 2026-08), bombcell (`save_utils.py`, `unit_quality_gui.py`,
2026-04), SpikeInterface 0.105 (`model_based_curation.py`, `unitrefine_curation.py`, `bombcell_curation.py`) and the
README of AllenNeuralDynamics/aind-ephys-unit-classifier.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from nh_platform.qc.reviews.curators.stated_labels import (
    Label,
    LabelSet,
    StatedLabels,
    StatedUnit,
    id_of,
    is_nothing,
    require_few_options,
    require_word,
    set_name,
    sha256_of,
    text_of,
)
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

_PHY = re.compile(r"cluster_\w+\.(tsv|csv)")
_IDS = ("phy_clusterID", "cluster_id", "unit_id", "id", "unit", "cluster", "")
"""Headings of columns of ids, best first; pandas writes an index without a heading."""
_SPIKE_COUNTS = ("n_spikes", "nSpikes", "num_spikes")
_LABELS = {
    "bombcell": (
        "bc_unitType",
        "bombcell_label",
        "manual_classification_name",
        "manual_classification",
        "bombcell_classification_name",
        "bombcell_classification",
    ),
    "unitrefine": (
        "prediction",
        "probability",
        "unitrefine_label",
        "unitrefine_probability",
        "decoder_label",
        "decoder_probability",
    ),
}
_OF_A_MODEL = ({"prediction", "probability"}, {"unitrefine_label"}, {"decoder_label"})
_CODES = {"-1": "", "0": "Noise", "1": "Good", "2": "MUA", "3": "Non-somatic"}
"""What bombcell's `unit_quality_gui.py` writes as numbers; -1 is a unit that nobody classified."""


_MOST_COLUMNS, _MOST_ROWS, _MOST_BYTES = 2000, 1_000_000, 1_000_000_000
"""Of a table; the bytes are those that a Parquet file has once it is unpacked: 200 kB can hold 30 million rows."""
_COUNT = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class _Table:
    """Cells of a table as text, and how its rows are called in errors."""

    file: str
    headings: list[str]
    rows: list[tuple[str, list[str]]]

    def column(self, heading: str) -> list[str]:
        """Return the cells of a column."""
        at = self.headings.index(heading)
        return [cells[at] for _, cells in self.rows]


def read_label_table(content: bytes, file: str, form: str | None = None, columns: Sequence[str] = ()) -> StatedLabels:
    """Read a table of labels.

    Parameters
    ----------
    content
        Bytes of a TSV, CSV or Parquet file.
    file
        Its name, which also tells phy's files.
    form
        ``phy``, ``bombcell``, ``unitrefine`` or ``table``; recognised where None.
    columns
        Headings of the columns that are labels; those of the format where none is given.

    Raises
    ------
    ConfigError
        If it is no such table, has no column of ids or labels, an id is missing, or a label cannot be one.
    """
    table = _parquet(content, file) if content[:4] == b"PAR1" else _text_table(text_of(content, file), file)
    form = form or _recognised(table)
    ids_in = _id_column(table)
    chosen = _chosen(table, form, ids_in, columns)
    sets, labels = [], {}
    for heading in chosen:
        label_set, values = _label_set(table, heading)
        if label_set.name in labels:
            found = f"two columns of labels come to the name {label_set.name}"
            raise ConfigError(file, found, "Rename one of them in the file, or choose columns with --column.")
        sets.append(label_set)
        labels[label_set.name] = values
    units, n_spikes = [], {}
    counted = next((table.column(heading) for heading in _SPIKE_COUNTS if heading in table.headings), [])
    for row, ((place, _), stated) in enumerate(zip(table.rows, table.column(ids_in))):
        unit = id_of(stated)
        if not unit:
            found = f"{place} has no id in the column {ids_in or 'without a heading'}"
            raise ConfigError(file, found, "Give every row the id of a unit, or remove the row.")
        require_word(unit, file, f"{place}: the id")
        found_labels = {name: values[row] for name, values in labels.items() if values[row] is not None}
        units.append(StatedUnit(unit, place, found_labels))  # type: ignore[arg-type]  # None is left out
        if counted and _COUNT.fullmatch(count := id_of(counted[row])):
            n_spikes[unit] = int(count)
    tools = {"phy": "phy", "bombcell": "bombcell", "unitrefine": "UnitRefine"}
    return StatedLabels(file, sha256_of(content), form, tools.get(form, ""), "", tuple(sets), tuple(units), n_spikes)


def _text_table(text: str, file: str) -> _Table:
    """Read a CSV or TSV; the lines of rows are counted as an editor does."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    separator = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    headings: list[str] = []
    rows = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not headings:
                headings = [cell.strip() for cell in cells]
                continue
            if len(cells) != len(headings):
                found = f"it has {len(cells)} fields, the header {len(headings)}"
                raise ConfigError(f"{file}:{reader.line_num}", found, "Save the table again.")
            rows.append((f"line {reader.line_num}", cells))
    except csv.Error as error:
        raise ConfigError(f"{file}:{reader.line_num}", f"no table: {error}", "Save it as CSV or TSV.") from error
    return _require_table(_Table(file, headings, rows))


def _parquet(content: bytes, file: str) -> _Table:
    import pandas as pd
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(io.BytesIO(content)) as stored:
            facts = stored.metadata
            n_bytes = sum(facts.row_group(one).total_byte_size for one in range(facts.num_row_groups))
        if facts.num_rows > _MOST_ROWS or facts.num_columns > _MOST_COLUMNS or n_bytes > _MOST_BYTES:
            found = (
                f"it has {facts.num_rows:,} rows and {facts.num_columns:,} columns, {n_bytes / 1e6:,.0f} MB unpacked"
            )
            raise ConfigError(file, found, "Name the table of labels, with a row for each unit.")
        frame = pd.read_parquet(io.BytesIO(content))
        if isinstance(frame.index, pd.MultiIndex):
            frame = frame.reset_index()
        elif not isinstance(frame.index, pd.RangeIndex):
            frame = frame.reset_index(names=frame.index.name or "")
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise ConfigError(file, f"no Parquet file of labels: {error}", "Save it again.") from error
    headings = [str(name) for name in frame.columns]
    cells = [["" if gone else str(one) for one, gone in zip(frame[name], frame[name].isna())] for name in frame.columns]
    rows = [(f"row {number}", list(row)) for number, row in enumerate(zip(*cells), 1)]
    return _require_table(_Table(file, headings, rows))


def _require_table(table: _Table) -> _Table:
    if len(table.headings) > _MOST_COLUMNS:
        found = f"it has {len(table.headings):,} columns; a table of labels has at most {_MOST_COLUMNS:,}"
        raise ConfigError(table.file, found, "Save the columns of ids and labels alone.")
    heading, times = Counter(table.headings).most_common(1)[0] if table.headings else ("", 0)
    if times > 1:
        raise ConfigError(table.file, f"the heading {heading!r} stands twice", "Rename one of the columns.")
    if len(table.headings) < 2:
        found = f"it is no table of labels: its first line is {', '.join(table.headings)[:60]!r}"
        raise ConfigError(table.file, found, "Name a table with a column of ids and a column of labels.")
    if not table.rows:
        raise ConfigError(table.file, "it has a header and no unit", "Name the file that holds the labels.")
    return table


def _recognised(table: _Table) -> str:
    headings = set(table.headings)
    if headings & set(_LABELS["bombcell"]):
        return "bombcell"
    if any(needed <= headings for needed in _OF_A_MODEL):
        return "unitrefine"
    if "phy_clusterID" in headings:
        found = "it is bombcell's table of metrics and has no column bc_unitType with labels"
        action = "Import cluster_bc_unitType.tsv, or save the metrics with a newer bombcell; or choose with --column."
        raise ConfigError(table.file, found, action)
    return "phy" if _PHY.fullmatch(PurePath(table.file).name) else "table"


def _id_column(table: _Table) -> str:
    for name in _IDS:
        if name in table.headings and (name or table.headings[0] == ""):
            return name
    found = f"no column of ids: it has {', '.join(table.headings[:10])}"
    raise ConfigError(table.file, found, "Name the column of ids unit_id or cluster_id.")


def _chosen(table: _Table, form: str, ids_in: str, columns: Sequence[str]) -> list[str]:
    """Return the headings of the columns of labels."""
    others = [name for name in table.headings if name not in (ids_in, "")]
    for name in columns:
        if name not in others:
            found = f"it has no such column; it has {', '.join(others[:20])}"
            raise ConfigError(
                f"--column {name}, {table.file}", found, f"Name one of them.{close_matches(name, others)}"
            )
    if columns:
        return list(dict.fromkeys(columns))
    if form in _LABELS:
        named = [name for name in _LABELS[form] if name in others]
        chosen = [name for name in named if f"{name}_name" not in named]  # the words, not their codes
    elif form == "phy" and len(others) == 1:
        chosen = others
    else:
        chosen = [name for name in others if not all(_is_number(one) or is_nothing(one) for one in table.column(name))]
    if not chosen:
        found = f"no column of labels of {form} among {', '.join(others[:20]) or 'none'}"
        raise ConfigError(table.file, found, "Choose columns with --column, or state another --format.")
    return chosen


def _label_set(table: _Table, heading: str) -> tuple[LabelSet, list[Label | None]]:
    """Return a label set and what it says of every row; None for no label."""
    name = set_name(heading.removesuffix("_name") if heading in _LABELS["bombcell"] else heading, table.file)
    cells = [cell.strip() for cell in table.column(heading)]
    if heading in ("manual_classification", "bombcell_classification"):
        cells = [_CODES.get(id_of(cell), cell) for cell in cells]
    if heading in ("manual_classification_name", "bombcell_classification_name"):
        cells = ["" if cell == "Unclassified" else cell for cell in cells]
    said = [cell for cell in cells if not is_nothing(cell)]
    if said and all(map(_is_number, said)):
        return LabelSet(name, "number"), [None if is_nothing(cell) else float(cell) for cell in cells]
    if said and {cell.lower() for cell in said} <= {"true", "false"}:
        return LabelSet(name, "flag"), [None if is_nothing(cell) else cell.lower() == "true" for cell in cells]
    for (place, _), cell in zip(table.rows, cells):
        require_word(cell, table.file, f"{place}: the label")
    return (
        LabelSet(name, "category", require_few_options(said, heading, table.file)),
        [None if is_nothing(cell) else cell for cell in cells],
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
