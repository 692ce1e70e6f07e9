"""The units that a `nh qc` command works on: a file, with what lies beside it, or every stored session of a source.

Contains what `nh qc label`, `diff` and `methods` share. Add another place that units come from here. Reading and
joining files is `nh_platform.qc`; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd


class Use(StrEnum):
    """Place where values are read."""

    released = "released"
    recomputed = "recomputed"


UseOption = Annotated[
    Use | None, typer.Option(help="Read these values instead of what the rulebook states.", show_default=False)
]


def units_of_file(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the units of a file, and a line on what lay beside it and was joined, if anything was."""
    from nh_platform.qc.units_file import read_units
    from nh_platform.qc.warehouse_tables import join_neighbours

    table, joined = join_neighbours(read_units(path), path)
    return table, [f"joined: {joined}"] if joined else []


def stored_units(source: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the units of every stored session of a source, one table with a column ``session_id``.

    The lines that come with it name the metrics that some sessions were made without: their values are not available
    there, and a rule's NaN policy decides.

    Raises
    ------
    UnknownSession
        If no session of the source has units.
    """
    from nh_platform.home.settings import load_settings
    from nh_platform.reading import all_units, open_store
    from nh_platform.session import UnknownSession
    from nh_platform.store.codecs.parquet import column_names
    from nh_platform.store.replaced_meanwhile import read_current

    opened, action = open_store(load_settings().home), f"`nh materialize {source} --missing`"
    sessions = opened.sessions(source)["session_id"].tolist()
    units, present = read_current(
        lambda: all_units.stored_units(opened.store, source, sessions),
        lambda parts: (all_units.read_all_units(parts), [column_names(path) for _, path in parts]),
    )
    if not present:
        raise UnknownSession(f"source {source}", "no session has units yet", f"Run {action}.")
    without = {name: sum(name not in names for names in present) for name in units.columns if "@" in name}
    made = f"of {len(present)} sessions were made without"
    return units, [
        f"{number} {made} {name}: not available there; {action} makes them again"
        for name, number in without.items()
        if number
    ]


@contextmanager
def naming_the_file(path: Path | None, units: pd.DataFrame) -> Iterator[None]:
    """Add the file that units were read from to an error about a column that they lack."""
    from nh_platform.qc.rules.rule_columns import MissingColumn
    from nh_platform.qc.warehouse_tables import missing_column_of

    try:
        yield
    except MissingColumn as error:
        if path is None:
            raise
        raise missing_column_of(path, units, error) from error
