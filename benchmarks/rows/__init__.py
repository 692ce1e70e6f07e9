"""The rows of the table, by subject. Add a module here, and its rows to `ALL`, for what is compared."""

from __future__ import annotations

from benchmarks.harness.comparison import Row
from benchmarks.rows import counting

ALL: tuple[Row, ...] = (*counting.ROWS,)
