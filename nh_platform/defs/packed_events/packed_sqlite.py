"""SQLite with packed events, as SQLAlchemy opens it: the address of a database says so, and queries stay as they are.

SQLAlchemy lets a dialect say how a type of column is written and read. Here every text column packs long records of
Dagster's and unpacks what it reads, so that Dagster's own queries do both, and databases that were written before are
read as they are. SQL itself cannot look into a packed record (`LIKE`, `instr`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from nh_platform.defs.packed_events.packed_text import packed, unpacked

_PLAIN, _PACKED = "sqlite:", "sqlite+nh_packed:"


class PackedText(sa.Text):
    """A text column whose long records are packed."""

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any]:
        """Return what is made of a value that is written or compared."""
        return lambda value: packed(value) if isinstance(value, str) else value

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return what is made of a value that is read."""
        return lambda value: unpacked(value) if isinstance(value, bytes) else value


class PackedSqlite(SQLiteDialect_pysqlite):
    """SQLite through Python's driver, with `PackedText` in place of text."""

    supports_statement_cache = True
    colspecs = {**SQLiteDialect_pysqlite.colspecs, sa.Text: PackedText}  # noqa: RUF012  SQLAlchemy's own name


registry.register("sqlite.nh_packed", __name__, PackedSqlite.__name__)


def packed_address(address: str) -> str:
    """Return the address of a SQLite database as one whose events are packed.

    Examples
    --------
    >>> packed_address("sqlite:///history/index.db")
    'sqlite+nh_packed:///history/index.db'
    """
    return address.replace(_PLAIN, _PACKED, 1)
