"""What a person sees of an asset in the Dagster UI: column schemas, counts, links, tables.

Add a conversion here when a result of the science rooms must be shown. Nothing here computes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from nh_platform.session.columns import ColumnWords, TableSchema, describe

SHOWN_DIGITS = 4
"""Significant digits of a single number."""
CELL_DIGITS = 7
"""Significant digits in a table: those of float32, so that two values that are said to differ look different."""
SHOWN_DECIMALS = 3
"""Decimals that are kept of large numbers, so that times in seconds keep their milliseconds."""


def rounded(value: float, digits: int = SHOWN_DIGITS) -> float:
    """Return a number without the digits that nobody reads; still a number, so that the UI plots it over runs.

    Examples
    --------
    >>> rounded(11 / 21), rounded(4217.123456), rounded(0.0000123456)
    (0.5238, 4217.123, 1.235e-05)
    """
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, max(digits - 1 - math.floor(math.log10(abs(value))), SHOWN_DECIMALS))


def rounded_values(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata with its plain floats rounded; everything else as it is."""
    return {name: rounded(value) if isinstance(value, float) else value for name, value in metadata.items()}


def table_schema(
    schema: TableSchema, table: pd.DataFrame | Iterable[str] | None = None, words: ColumnWords | None = None
) -> dg.TableSchema:
    """Return a Dagster table schema; the unit of measure stands before each column's meaning.

    Parameters
    ----------
    schema
        The fixed columns, shown alone where no table is given.
    table
        The table, which says which columns of families there are and of which dtype, or names of columns.
    words
        Unit and meaning of single columns of families, as for `nh_platform.session.columns.describe`.
    """
    columns = describe(schema, schema.names if table is None else table, words)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.dtype,
                description=column.meaning if column.unit == "-" else f"[{column.unit}] {column.meaning}",
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in columns
        ]
    )


def records_table(rows: list[Mapping[str, Any]]) -> dg.TableMetadataValue | dg.TextMetadataValue:
    """Return rows as a table that the UI draws, floats rounded to `CELL_DIGITS`; a text where there are none."""
    if not rows:
        return dg.MetadataValue.text("none")
    cells = [
        {name: rounded(value, CELL_DIGITS) if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    ]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in cells])


def counts_table(counts: pd.Series, name: str, limit: int = 12) -> dg.TableMetadataValue | dg.TextMetadataValue:
    """Return the ``limit`` largest counts as a table with columns ``name`` and ``units``."""
    top = counts.sort_values(ascending=False, kind="stable").head(limit)
    return records_table([{name: str(index), "units": int(value)} for index, value in top.items()])


def file_list(folder: Path) -> dg.TableMetadataValue | dg.TextMetadataValue:
    """Return the files of an asset with their sizes in bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return records_table([{"file": str(path.relative_to(folder)), "bytes": path.stat().st_size} for path in files])


def histogram_svg(counts: Iterable[int], edges: Iterable[float], threshold: float | None, label: str) -> str:
    """Return a small histogram as Markdown with an inline SVG under 15 kB, threshold drawn in red.

    Events hold their metadata for ever: an inline image of 200 kB made a 270 kB event in the log.
    """
    import base64

    heights, limits = list(counts), list(edges)
    if not heights or max(heights) == 0:
        return "no values"
    width, height, pad = 360, 120, 16
    span = (limits[-1] - limits[0]) or 1.0
    bar = (width - 2 * pad) / len(heights)
    parts = [
        f'<rect x="{pad + i * bar:.1f}" y="{height - pad - (height - 2 * pad) * n / max(heights):.1f}" '
        f'width="{max(bar - 1, 0.5):.1f}" height="{(height - 2 * pad) * n / max(heights):.1f}" fill="#4c78a8"/>'
        for i, n in enumerate(heights)
    ]
    if threshold is not None and limits[0] <= threshold <= limits[-1]:
        x = pad + (width - 2 * pad) * (threshold - limits[0]) / span
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{pad}" y2="{height - pad}" stroke="#d62728"/>')
    text = 'font-family="sans-serif" font-size="10" fill="#444"'
    parts.append(f'<text x="{pad}" y="{height - 3}" {text}>{limits[0]:.3g}</text>')
    parts.append(f'<text x="{width - pad}" y="{height - 3}" text-anchor="end" {text}>{limits[-1]:.3g}</text>')
    parts.append(f'<text x="{pad}" y="11" {text}>{label}; at most {max(heights)} units a bar</text>')
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(parts)}</svg>'
    return f"![{label}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
