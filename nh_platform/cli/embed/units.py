"""`nh embed units`: vectors of the units of stored sessions, how sound they are, and how robust."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SourceArgument
from nh_platform.home.folder import home_folder

if TYPE_CHECKING:
    from nh_platform.operations.embedding.described_units import DescribedUnits

UNIT_COLUMNS = (
    "unit_id", "probe", "beryl", "n_spikes", "is_silent", "rate_hz", "isi_cv2", "isi_lvr", "burst_share",
    "refractory_s", "rhythm_hz", "rhythm_depth", "rate_stability", "fano_factor", "population_coupling",
)  # fmt: skip
"""What fits a terminal; csv and json have every feature."""


def units(
    source: SourceArgument,
    session: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SESSION",
            help="Session ids, or their first characters; of one the units are listed. Default: every session.",
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="WINDOW",
            help="Another reference window, computed and not stored: start-20s, pre-task, first-block, task-300s, "
            "spontaneous-300s, drifting-gratings or whole-session.",
            show_default=False,
        ),
    ] = None,
    robustness: Annotated[
        bool,
        typer.Option("--robustness", help="Compare disjoint windows: are units known again, against chance?"),
    ] = False,
    format_: FormatOption = Format.table,
) -> None:
    """Show the vectors of units of stored sessions: a summary, one session's units, or their robustness.

    The stored vectors are of the source's window, or that of `reference_window` in `sources.yaml`; `nh materialize`
    makes them. Silent units fire too little in the window to be described.

    **Examples**

        nh embed units ibl

        nh embed units ibl aaf4

        nh embed units ibl aaf4 --format csv > units.csv   # every feature

        nh embed units allen_vc 7290 --window spontaneous-300s

        nh embed units ibl --robustness
    """
    console.require_stored(source, session)
    with console.progress() as on_progress:
        found = operations.describe_units(
            home_folder(),
            source,
            session or (),
            window=window,
            robustness=robustness,
            on_progress=on_progress,
        )
    if robustness:
        _show_robustness(found, format_)
    elif session and len(session) == 1 and found[0].table is not None:
        table = found[0].table
        columns = UNIT_COLUMNS if format_ is Format.table else tuple(table.columns)
        console.print_rows([_rounded(row) for row in console.records(table)], columns, format_, _title(found[0]))
    else:
        rows = [_summary(one) for one in found if one.error is None]
        if rows:
            console.print_rows(rows, list(rows[0]), format_)
    console.say_notes(note for one in found if one.window is not None for note in _notes(one))
    failed = [one for one in found if one.error is not None]
    for one in failed:
        console.show_error(one.error)  # type: ignore[arg-type]
    if failed:
        raise typer.Exit(1)


def _show_robustness(found: Sequence[DescribedUnits], form: Format) -> None:
    from nh_platform.embeddings.units.robustness import robustness_rows

    rows = [{"session": one.session_id, **row} for one in found for row in robustness_rows(one.robustness)]
    if rows:
        console.print_rows(rows, list(rows[0]), form)
    if form is Format.table:
        console.say(
            "correlation: of a unit's features in both windows (median). identified: its nearest vector in the other "
            "window is its own."
        )


def _title(one: DescribedUnits) -> str:
    assert one.window is not None
    return escape(f"{one.source} {one.session_id}, {one.window.id}, {one.window.available_s:.1f} s")


def _summary(one: DescribedUnits) -> dict[str, Any]:
    assert one.quality is not None
    assert one.window is not None
    rank = one.quality.vectors.effective_rank
    return {
        "session": one.session_id,
        "window": one.window.id,
        "seconds": round(one.window.available_s, 1),
        "units": one.quality.n_units,
        "silent": one.quality.n_silent,
        "effective rank": None if math.isnan(rank) else rank,
        "problems": "; ".join(one.quality.problems) or "none",
    }


def _notes(one: DescribedUnits) -> list[str]:
    assert one.window is not None
    return [f"{one.source} session {one.session_id}: {note}" for note in one.window.notes]


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in row.items()}
