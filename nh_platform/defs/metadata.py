"""Metadata of an asset in the Dagster UI: column schemas, counts, links, tables.

Add a conversion here when a result of the science rooms must be shown. Nothing here computes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from nh_platform.assets.record import AssetResult
from nh_platform.home.page_addresses import report_address
from nh_platform.session import NhError
from nh_platform.session.columns import Column
from nh_platform.store.hashing import stored_sizes
from nh_platform.store.objects.address import shown as shown_path

OWNERS = ["team:data-platform"]

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


def shown_metadata(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an asset shows as Dagster draws it: numbers rounded, lists of mappings as tables."""
    return {name: _drawn(value) for name, value in shown.items()}


def _drawn(value: Any) -> Any:
    if isinstance(value, float):
        return rounded(value)
    return records_table(value) if isinstance(value, list) else value


def published_metadata(result: AssetResult, folder: Path) -> dict[str, Any]:
    """Return what is shown of an asset that was published: what it shows itself, its notes, files and folder."""
    return {
        **({"page": dg.MetadataValue.url(result.page)} if result.page else {}),
        **shown_metadata(result.shown),
        "number of notes": len(result.notes),
        "notes": dg.MetadataValue.md("\n".join(f"- {line}" for line in result.notes) or "none"),
        **({"origin": dg.MetadataValue.md("\n".join(f"- {one}" for one in result.origins))} if result.origins else {}),
        "files": file_list(folder),
        "dagster/uri": shown_path(folder),
    }


def failure(error: NhError) -> dg.Failure:
    """Return the Dagster failure of a named error; retrying does not mend bad data."""
    return dg.Failure(
        description=str(error),
        metadata={"what": error.thing, "found": error.found, "what to do": error.action},
        allow_retries=False,
    )


def table_schema(columns: Iterable[Column]) -> dg.TableSchema:
    """Return columns as a Dagster table schema; the unit of measure stands before each column's meaning."""
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


def records_table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue | dg.TextMetadataValue:
    """Return rows as a table that the UI draws, floats rounded to `CELL_DIGITS`; a text where there are none."""
    if not rows:
        return dg.MetadataValue.text("none")
    cells = [
        {name: rounded(value, CELL_DIGITS) if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    ]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in cells])


def file_list(folder: Path) -> dg.TableMetadataValue | dg.TextMetadataValue:
    """Return the files of an asset with their sizes in bytes."""
    return records_table([{"file": name, "bytes": n_bytes} for name, n_bytes in stored_sizes(folder).items()])


def report_link(source: str, session_id: str) -> dict[str, dg.MetadataValue]:
    """Return the link to the report of a session, which the page of `nh ui` answers."""
    return {"session report": dg.MetadataValue.url(report_address(source, session_id))}
