"""`nh review import`: labels of another curator or tool, kept as evidence beside the reviews.

Contains the command alone. What it does is `nh_platform.operations.reviewing.label_import`.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import SessionArgument, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session import ConfigError
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.operations.reviewing.label_import import LabelImport

_SHOWN = 12


class LabelFormat(StrEnum):
    """Formats of files of labels."""

    phy = "phy"
    spikeinterface = "spikeinterface"
    bombcell = "bombcell"
    unitrefine = "unitrefine"
    table = "table"


def import_(
    file: Annotated[Path, typer.Argument(help="File of labels: cluster_group.tsv, a curation JSON, a CSV or Parquet.")],
    source: SourceArgument,
    session: SessionArgument,
    curator: Annotated[str, typer.Option(help="Who or what labelled: small letters, digits, - and _.")],
    probe: Annotated[
        str | None, typer.Option(help="Probe that was curated, where ids are cluster ids.", show_default=False)
    ] = None,
    form: Annotated[
        LabelFormat | None, typer.Option("--format", help="Recognised where not given.", show_default=False)
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Column of a table that holds labels; may be repeated.", show_default=False),
    ] = None,
    good: Annotated[
        list[str] | None,
        typer.Option(help="Label that means a good unit, for the agreement; may be repeated.", show_default=False),
    ] = None,
    date: Annotated[str | None, typer.Option(help="Day of the labels, YYYY-MM-DD.", show_default=False)] = None,
    tool: Annotated[str, typer.Option(help="What made the labels.", show_default=False)] = "",
    tool_version: Annotated[str, typer.Option(help="Its version.", show_default=False)] = "",
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave ids out that are no units, and record them.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")] = False,
) -> None:
    """Import labels of another curator or tool as evidence beside the reviews of a session.

    Reads phy's `cluster_*.tsv`, curations of SpikeInterface (formats 1 and 2) and sortingview, tables of bombcell and
    UnitRefine, and any table with a column of ids. An id is one whether a file has 1, '1' or 1.0. Ids that are no
    units are refused by name.

    The labels become columns `curated.CURATOR.LABEL_SET` of `units` at its next materialization. They decide nothing
    by themselves; a rulebook may name one. A curator's next file replaces the label sets that it holds, and the
    earlier version is kept.

    The table says how far the labels agree with the active rulebook, the counted reviews, the release's own label and
    other curators: `only labels` is good by the labels alone, kappa is Cohen's.

    **Examples**

        nh review import cluster_group.tsv ibl aaf4 --curator anna --probe probe00 --dry-run

        nh review import curation.json ibl aaf4 --curator ben --date 2026-11-02

        nh review import templates._bc_qMetrics.csv ibl aaf4 --curator bombcell --probe probe00
    """
    done = operations.import_labels(
        home_folder(),
        file,
        source,
        session,
        curator,
        probe=probe,
        form=form.value if form else None,
        columns=column or (),
        tool=tool,
        version=tool_version,
        date=_day(date),
        good=good or (),
        skip_unknown=skip_unknown,
        dry_run=dry_run,
    )
    _print_counts(done)
    _print_agreement(done)
    for note in done.notes:
        console.say(escape(f"note: {note}"), hanging=6)
    _print_change(done, source, dry_run)


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigError(f"--date {text}", "it is not a day", "Write it as YYYY-MM-DD.") from error


def _print_counts(done: LabelImport) -> None:
    of = f", of {done.tool}" if done.tool and done.tool != done.format else ""
    console.say(
        escape(f"{done.format}{of}: labels of {done.labelled} of {counted(done.n_units, 'unit')} by {done.curator}")
    )
    for name, rows in done.counts.groupby("label_set", sort=False):
        words = [f"{label} {n}" for label, n in zip(rows["label"], rows["units"])]
        more = f", {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
        console.say(escape(f"  {name}: {', '.join(words[:_SHOWN])}{more}"), hanging=4)


def _print_agreement(done: LabelImport) -> None:
    rows = [
        {
            "labels": row["label_set"],
            "against": row["against"],
            "units": row["units"],
            "agree": "-" if not row["units"] else f"{row['agreement']:.0%}",
            "kappa": "-" if row["kappa"] != row["kappa"] else f"{row['kappa']:.2f}",
            "both good": row["both_good"],
            "only labels": row["labels_only"],
            "only other": row["other_only"],
            "neither": row["neither"],
        }
        for row in done.agreement.to_dict("records")
    ]
    if rows:
        console.print_table(rows, "agreement, good or not")
    else:
        console.say("no label says which units are good (`--good LABEL` states one), or nothing else is said of them")


def _print_change(done: LabelImport, source: str, dry_run: bool) -> None:
    from nh_platform.store.objects.address import shown

    if not done.is_changed:
        console.say(escape(f"{shown(done.path)} holds these labels already; nothing changes"))
        return
    what = f"{done.added} labels new, {done.replaced} changed, {done.removed} gone"
    if dry_run:
        console.say(escape(f"{shown(done.path)}: {what}; nothing was written"))
        return
    kept = f"; what was there is in {shown(done.earlier)}" if done.earlier else ""
    then = f"`nh materialize {source} {done.session_id} --missing` makes the columns of units"
    console.say(escape(f"{shown(done.path)}: {what}{kept}. {then}."))
