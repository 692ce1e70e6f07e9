"""The rows of the table, by subject. Add a module here, and its rows to `ALL`, for what is compared."""

from __future__ import annotations

from benchmarks.harness.comparison import Row
from benchmarks.rows import allen, counting, quality, releases, running, stored, windows

_SUBJECTS = (quality, counting, windows, allen, stored, running, releases)
ALL: tuple[Row, ...] = tuple(row for subject in _SUBJECTS for row in subject.ROWS)
