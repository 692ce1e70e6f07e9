"""Columns that ``sources.yaml`` names, held against the files: a name that no file has is refused with the nearest.

Add here how such a mistake is found and worded. Which settings name columns is said by the layout.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_files.yaml_file import Location
from nh_platform.sources.setting_errors import setting_error


@dataclass(frozen=True)
class NamedColumn:
    """A column that a setting names.

    Parameters
    ----------
    location
        The setting, below the name of the source.
    table
        The table it is a column of, in words.
    column
        Its name.
    """

    location: Location
    table: str
    column: str


def refuse_unknown_columns(
    named: Iterable[NamedColumn], there: Iterable[Mapping[str, Collection[str]]], source: str, home: Path
) -> None:
    """Refuse a column that none of the files has; one that some have is of those that have it.

    Parameters
    ----------
    named
        The columns that settings name.
    there
        Of every file that can be read: the columns of each table.
    source, home
        Name of the source, and the home folder.

    Raises
    ------
    ConfigError
        With the line of the setting, and the nearest columns that there are.
    """
    files = list(there)
    for one in named if files else ():
        known = sorted({column for tables in files for column in tables.get(one.table, ())})
        if one.column not in known:
            found = f"no file has a column {one.column!r} in its {one.table}"
            listed = f"It has {', '.join(known)}." if known else f"There is no such table as {one.table} in any file."
            action = f"{listed}{close_matches(one.column, known)}"
            raise setting_error(home, (source, *one.location), found, action)
