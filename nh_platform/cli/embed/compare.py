"""`nh embed compare`: how alike two embeddings of the same units or images are."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.cli.tasks.options import sessions_of
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

_SIDE = "stored, encoder:NAME, a reference window (start-30s), a home folder, or a file (.parquet, .csv, .npy)."
_SHOWN_OTHERS = 3


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=f"One of them: {_SIDE}")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other, alike.")],
    source: Annotated[str, typer.Option(help="Only sessions of this source. Default: all that are stored.")] = "",
    sessions: Annotated[
        str,
        typer.Option("--sessions", metavar="IDS", help="Session ids with commas between, or their first characters."),
    ] = "all",
    features: Annotated[
        bool, typer.Option("--features", help="A row per feature that both have, with its correlation.")
    ] = False,
    format_: FormatOption = Format.table,
) -> None:
    """Say how alike two embeddings of the same units or images are, by session or by feature.

    `cka` is linear centred kernel alignment (1: the same up to rotation), `neighbours` the mean share of a unit's 10
    nearest that are the same in both, beside what chance gives, and `r` the median correlation of a feature that both
    have. A reference window is computed from the stored spikes; nothing is stored. Rows of a file are matched by its
    column unit_id or image_name; those of a matrix (.npy) by their number, of as many rows.

    **Examples**

        nh embed compare stored whole-session --source ibl

        nh embed compare start-10s start-30s --source ibl --features

        nh embed compare stored data/demo --format csv   # another home

        nh embed compare stored units.csv --source ibl --sessions aaf4
    """
    with console.progress() as tell:
        found = operations.compare_embeddings(
            home_folder(), a, b, source=source, sessions=sessions_of(sessions), on_progress=tell
        )
    table = found.features if features else found.sessions
    rows = console.records(table)
    if format_ is Format.table:
        rows = [{name: f"{one:.4g}" if isinstance(one, float) else one for name, one in row.items()} for row in rows]
    console.print_rows(rows, list(table.columns), format_)
    if found.by_position:
        console.say("rows have no names in both: they are matched by their number", to=console.err)
    for name, others in ((a, found.only_a), (b, found.only_b)):
        if others:
            more = f" and {len(others) - _SHOWN_OTHERS} more" if len(others) > _SHOWN_OTHERS else ""
            text = f"only in {name}: {counted(len(others), 'session')}, {', '.join(others[:_SHOWN_OTHERS])}{more}"
            console.say(escape(text), to=console.err)
