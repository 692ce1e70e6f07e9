"""`nh qc report`: the QC site of a release, with tables for a meeting and a summary to mail.

Contains the command alone. What is counted is `nh_platform.reports.site`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

_SHOWN = 10


def report(
    out: Annotated[Path, typer.Option("--out", help="Folder to write: not there yet, empty, or of an earlier report.")],
    release: Annotated[
        str,
        typer.Argument(
            metavar="[RELEASE]",
            help="current, or a snapshot, version, freeze, release tag or CSV file as of `nh releases diff`.",
            show_default=False,
        ),
    ] = "",
    source: Annotated[str, typer.Option(help="Source, where several were synced.", show_default=False)] = "",
    units: Annotated[
        Path | None, typer.Option(help="Units table with upstream's columns, instead of the store.", show_default=False)
    ] = None,
    rulebook: Annotated[
        str, typer.Option(help="Rules for --units: id or path. Default: the source's.", show_default=False)
    ] = "",
    against: Annotated[
        list[str] | None,
        typer.Option(help="Rules to compare with for --units; as often as needed.", show_default=False),
    ] = None,
    session: Annotated[
        list[str] | None,
        typer.Option(
            help="Copy the page of this session, or of `all`; as often as needed. Links of the others lead to the "
            "store.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
) -> None:
    """Write the QC site of a release: pages that open from disk, tables for a meeting, a summary to mail.

    index.html is the first page: pass rates by lab, region, probe and time, outliers, what changed since the last
    release and the rules before, sessions that wait for review, disagreements, published counts, and every session.
    rules/ has a page per rule, tables/ the numbers as CSV, JSON and Markdown, summary.html and summary.txt are one
    page to mail. Needs no session in the store: what of a release is only a table is written from that, and what is
    missing is said.

    **Examples**

        nh qc report current --source ibl --out site

        nh qc report 2023_12_bwm_release --source ibl --out bwm --session all

        nh qc report --units clusters.pqt --rulebook ibl-2022-10 --out meeting
    """
    if source:
        console.require_known(source)
    with console.progress() as on_progress:
        made = operations.report_release(
            home_folder(),
            release,
            out,
            source=source,
            units=units,
            rulebook=rulebook,
            against=against or None,
            sessions=session or (),
            dry_run=dry_run,
            on_progress=on_progress,
        )
    console.say(f"[bold]{escape(made.source)} {escape(made.release)}[/] by {escape(made.rulebook)}")
    for name, number in made.counts.items():
        if number or name in ("sessions", "units", "good units"):
            console.say(f"{number:>12,}  {name}")
    _named("without units, or set aside", made.named)
    _named("no page to copy", made.pages_lacking)
    for note in made.notes:
        console.say(escape(f"note: {note}"), hanging=6)
    copied = f", {counted(len(made.pages), 'page')} of sessions" if made.pages else ""
    verb = "would be written" if dry_run else "written"
    console.say(f"{counted(len(made.files), 'file')}{copied} {verb} to {escape(str(made.folder))}")
    if not dry_run:
        console.say(f"open {escape(str(made.folder / 'index.html'))}")


def _named(title: str, why: dict[str, str]) -> None:
    """Print sessions with why, those with the same reason on one line."""
    by_reason: dict[str, list[str]] = {}
    for session_id, reason in why.items():
        by_reason.setdefault(reason, []).append(session_id)
    for reason, ids in by_reason.items():
        rest = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
        console.say(escape(f"{title}: {', '.join(ids[:_SHOWN])}{rest}: {reason}"), hanging=4)
