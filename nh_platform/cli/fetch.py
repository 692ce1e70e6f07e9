"""`nh fetch`: downloads the verified raw files of sessions, and makes nothing of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.operations.files.file_fetch import Fetch

PLAN_COLUMNS = ("session", "subject", "date", "files", "to_fetch", "size")
LINK_COLUMNS = ("session", "path", "md5", "size", "url")
LINK_FIELDS = (*LINK_COLUMNS[1:], "blake2b")

_GROUPS = "spikes, events, signals, alignment, qc, pose, waveforms or noise"
"""Those of `nh_platform.history.identity.GROUPS`, which is not imported: it loads pandas."""


def fetch(
    source: SourceArgument,
    session: Annotated[
        list[str] | None, typer.Argument(help="Session ids, or the first characters of each.", show_default=False)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every registered session.")] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="What the missing and stale assets of all sessions will read.")
    ] = False,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", help=f"Only files of {_GROUPS}; may be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say bytes and sessions, and fetch nothing.")] = False,
    urls: Annotated[
        bool, typer.Option("--urls", help="Print version-pinned links with their md5, and fetch nothing.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, max=32, help="Files at a time. Default: `parallel_downloads`.")
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Form of --dry-run and --urls.", show_default=False)
    ] = None,
) -> None:
    """Download the raw files of sessions, verified: IBL's into `raw/` of the home or `NH_RAW`, Allen's into `root`.

    Every file is compared with the hash that upstream states; warehouse and bucket of Visual Coding state none, and
    their files are checked to be whole. Files that are there are not fetched again, and a download that was interrupted
    is resumed (from the warehouse where the server names the version). A session that fails is named with the reason;
    the others go on. Of a source that is read from a folder nothing is fetched. With `ranges: true` no asset needs a
    file to be fetched; one that is fetched is read from the disk.

    **Examples**

        nh fetch ibl --missing --dry-run

        nh fetch ibl aaf4b8ce-6cd4-4198-be2b-cefbbeecd691 --group spikes

        nh fetch ibl --all --group events --group signals --urls > links.csv

        nh fetch allen_vbn 1139846596
    """
    console.require_one_choice("nh fetch", session, all_, missing)
    console.require_known(source, session)
    with console.progress(in_bytes=True) as on_progress:
        found = operations.fetch(
            home_folder(),
            source,
            session or None,
            groups=group or [],
            only_stale=missing,
            dry_run=dry_run or urls,
            with_links=urls,
            jobs=jobs,
            on_progress=on_progress,
        )
    if (urls or dry_run) and (format_ in (Format.csv, Format.json) or not found.in_place):
        _print_links(found, format_ or Format.csv) if urls else _print_plan(found, format_ or Format.table)
    elif not found.in_place:
        _say_fetched(found)
    if found.in_place:
        console.say(f"{source}: nothing to fetch; its files are read in place, in {found.folder}", to=console.err)
    if found.by_ranges and not urls:
        console.say(
            f"note, {source}: its settings read files by ranges (`ranges: true`), so that no asset needs these whole "
            f"files; `nh backfill {source} --dry-run` says what comes instead. Files that are fetched are read from "
            "the disk.",
            hanging=6,
            to=console.err,
        )
    for session_id, notes in found.notes.items():
        for note in notes:
            console.say(f"note, {source} {session_id}: {escape(note)}", hanging=6, to=console.err)
    for session_id, error in found.failed.items():
        console.err.print(f"[bold red]failed[/] {source} {session_id}")
        console.say(f"  {escape(str(error))}", hanging=2, to=console.err)
    if found.failed:
        console.say(
            f"{len(found.failed)} of {found.n_sessions} sessions failed; what came is kept and resumed.", to=console.err
        )
        raise typer.Exit(1)


def _say_fetched(found: Fetch) -> None:
    wanted = found.to_fetch
    n_files, size = sum(one.n_files for one in found.sessions), decimal(found.n_bytes)
    done = sum(one.files.session_id not in found.failed for one in wanted)
    fetched = f"{counted(done, 'session')} fetched and verified, {size} stated upstream, in {_place(found)}"
    console.say(f"{found.source}: {fetched if wanted else f'all {n_files} files are there; nothing to fetch.'}")


def _print_plan(found: Fetch, form: Format) -> None:
    rows = [
        {
            "session": one.files.session_id,
            "subject": one.files.session.subject,
            "date": one.files.session.date,
            "files": one.n_files,
            "to_fetch": one.n_missing,
            "size": decimal(one.n_bytes) if form is Format.table else one.n_bytes,
        }
        for one in found.sessions
    ]
    console.print_rows(rows, PLAN_COLUMNS, form)
    if form is Format.table:
        n_missing, n_files = sum(one.n_missing for one in found.sessions), sum(one.n_files for one in found.sessions)
        console.say(
            f"{found.source}: {decimal(found.n_bytes)} in {counted(n_missing, 'file')} of "
            f"{counted(len(found.to_fetch), 'session')} would be fetched to {_place(found)}; "
            f"{counted(n_files - n_missing, 'file is', 'files are')} there, and {_free(found)}."
        )


def _place(found: Fetch) -> str:
    from nh_platform.store.objects.address import shown

    return shown(found.folder)


def _free(found: Fetch) -> str:
    free = decimal(found.n_free)
    if not found.passes_through:
        return f"{free} are free"
    return f"{free} are free in {found.folder.parent}, of which the largest session takes {decimal(found.n_room)}"


def _print_links(found: Fetch, form: Format) -> None:
    rows = [
        {"session": one.files.session_id, **{column: getattr(link, column) for column in LINK_FIELDS}}
        for one in found.sessions
        for link in one.links
    ]
    columns = (*LINK_COLUMNS, "blake2b") if any(row["blake2b"] for row in rows) else LINK_COLUMNS
    console.print_rows(rows, columns, form)
