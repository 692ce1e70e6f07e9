"""`nh files`: lists the recorded files of a session that upstream has, and downloads them where that is asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SessionArgument, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.operations.files.recorded import ListedFiles

SHOWN = ("kind", "probe", "name", "size", "held")
STATED = ("kind", "probe", "path", "size", "held")
"""Columns for a person, and for a program: whole paths, bytes, and where a file lies."""


def files(
    source: SourceArgument,
    session: SessionArgument,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only ap, lfp, sync or video files; may be repeated.")
    ] = None,
    probe: Annotated[
        list[str] | None, typer.Option("--probe", help="Only files of this probe; may be repeated.")
    ] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download those that are not here.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --fetch: say how much would come, and fetch nothing.")
    ] = False,
    format_: FormatOption = Format.table,
) -> None:
    """List the recorded files of a session (ap, lfp, sync, video): name, size, and whether they are here.

    They are large, and no asset reads them: `nh fetch` and `nh materialize` leave them alone. `--fetch` downloads
    them, IBL's into `raw/` of the home folder, Allen's into their `root`; verified, resumed where they broke, in the
    hours and at the pace of other downloads. `session.lfp(probe, start, stop)` then reads slices. The clock of a probe
    is listed with its ap and lfp files, which are read with it. Files of a folder that is read in place are listed from
    there.

    **Examples**

        nh files ibl aaf4b8ce

        nh files ibl aaf4b8ce --kind lfp --probe probe00 --fetch --dry-run

        nh files ibl aaf4b8ce --kind lfp --probe probe00 --fetch

        nh files allen_vc 729067706 --kind lfp --format csv
    """
    console.require_known(source, [session])
    listing = partial(operations.list_files, home_folder(), source, session, kinds=kind or [], probes=probe or [])
    found = listing()
    if not fetch or dry_run:
        _print(found, format_)
        if format_ is Format.table:
            _say_state(found, would_fetch=fetch)
        return
    if found.missing:
        console.say(
            f"fetching {counted(len(found.missing), 'file')}, {decimal(found.n_bytes)}, to {_place(found)}",
            to=console.err,
        )
    with console.progress(in_bytes=True) as on_progress:
        found = listing(fetch=True, on_progress=on_progress)
    _print(found, format_)
    if format_ is Format.table and found.missing:
        n_files, size = len(found.missing), decimal(found.n_bytes)
        console.say(
            f"{source}: {counted(n_files, 'file')} fetched and verified, {size} stated upstream, in {_place(found)}"
        )
    elif format_ is Format.table:
        console.say(f"{source}: all {len(found.files)} files are here; nothing to fetch.")


def _print(found: ListedFiles, form: Format) -> None:
    is_shown = form is Format.table
    rows = [
        {
            "kind": file.kind,
            "probe": file.probe,
            "path": file.path,
            "name": file.path.rpartition("/")[2],
            "size": ("" if file.size is None else decimal(file.size)) if is_shown else file.size,
            "held": ("no" if file.held is None else "yes") if is_shown else file.held and str(file.held),
        }
        for file in found.files
    ]
    if rows or not is_shown:
        console.print_rows(rows, SHOWN if is_shown else STATED, form)


def _say_state(found: ListedFiles, *, would_fetch: bool) -> None:
    what = f"{found.source} session {found.session_id}"
    if not found.files:
        console.say(f"{what}: no such file (ap, lfp, sync, video){' in its folder' if found.in_place else ' upstream'}")
    elif found.in_place:
        console.say(f"{what}: {counted(len(found.files), 'file')}, read in place, in {found.folder}")
    elif not found.missing:
        console.say(f"{what}: all {len(found.files)} files are here")
    else:
        size = f"{decimal(found.n_bytes)} in {len(found.missing)} of {len(found.files)} files"
        room = f"to {_place(found)}, where {decimal(found.n_free)} are free"
        console.say(
            f"{what}: {size} {'would be fetched' if would_fetch else 'are not here; `--fetch` gets them'} {room}"
        )


def _place(found: ListedFiles) -> str:
    from nh_platform.store.objects.address import shown

    return "" if found.folder is None else shown(found.folder)
