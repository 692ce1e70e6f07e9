"""`nh fetch`: downloads the verified raw files of sessions, and makes nothing of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from nh_platform.cli import console
from nh_platform.cli.console import Format
from nh_platform.session import NhError

if TYPE_CHECKING:
    from nh_platform.downloads.download_folder import DownloadFolder
    from nh_platform.history.manifest import SessionFiles
    from nh_platform.home.platform import Platform
    from nh_platform.sources.fetching import FetchingSource

PLAN_COLUMNS = ("session", "subject", "date", "files", "to_fetch", "size")
LINK_COLUMNS = ("session", "path", "md5", "size", "url")
LINK_FIELDS = (*LINK_COLUMNS[1:], "blake2b")


@dataclass(frozen=True)
class FetchPlan:
    """What is to be fetched of one session.

    Parameters
    ----------
    files
        The session's part of the manifest.
    groups
        Asset groups whose files are wanted.
    n_files, n_missing
        Files of these groups, and those of them that are not there yet.
    n_bytes
        Size of the missing ones as upstream states it; a file that several sessions share counts in the first.
    """

    files: SessionFiles
    groups: tuple[str, ...]
    n_files: int
    n_missing: int
    n_bytes: int


def fetch(
    source: Annotated[str, typer.Argument(help="Source, for example ibl.")],
    session: Annotated[
        list[str] | None, typer.Argument(help="Session ids, or the first characters of each.", show_default=False)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every registered session.")] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="What the missing and stale assets of all sessions will read.")
    ] = False,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", help="Only files of spikes, behavior, alignment or qc; may be repeated."),
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
    """Download the raw files of sessions, verified: IBL's into `raw/` of the home folder, Allen's into their `root`.

    Every file is compared with the hash that upstream states; the warehouse of Visual Coding states none, and its files
    are checked to be whole. Files that are there are not fetched again, and a download that was interrupted is resumed
    (from the warehouse where the server names the version). A session that fails is named with the reason; the others
    go on. Of a source that is read from a folder nothing is fetched.

    **Examples**

        nh fetch ibl --missing --dry-run

        nh fetch ibl 4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b --group spikes

        nh fetch ibl --all --group behavior --urls > links.csv

        nh fetch allen_vbn 1139846596
    """
    from nh_platform.history.identity import GROUPS
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.session import ConfigError
    from nh_platform.sources.fetching import folder_in_place
    from nh_platform.sources.registry import source_entry

    source_entry(source)
    if sum([bool(session), all_, missing]) != 1:
        raise ConfigError("nh fetch", "it needs session ids, --all or --missing, and only one of them", "See --help.")
    for name in group or []:
        if name not in GROUPS:
            raise ConfigError(f"group {name!r}", "there is no such asset group", f"Use: {', '.join(GROUPS)}.")
    groups = tuple(name for name in GROUPS if not group or name in group)
    platform = Platform(load_settings())
    in_place = folder_in_place(platform.source(source))
    if in_place is not None:
        if urls or dry_run:
            _print_nothing(LINK_COLUMNS if urls else PLAN_COLUMNS, format_)
        console.err.print(f"{source}: nothing to fetch; its files are read in place, in {in_place}", soft_wrap=True)
        return
    upstream = _fetching_source(platform, source)
    raw = upstream.raw_files()
    ids = session or platform.manifest(source).session_ids
    plans, failed = plan_fetch(platform, upstream, source, ids, groups, only_stale=missing)
    if urls:
        failed |= _print_links(upstream, plans, format_ or Format.csv)
    elif dry_run:
        _print_plans(plans, format_ or Format.table)
        if (format_ or Format.table) is Format.table:
            console.say(_summary(source, plans, raw))
    else:
        failed |= _fetch_plans(upstream, raw, source, plans, jobs)
    for session_id, error in failed.items():
        console.err.print(f"[bold red]failed[/] {source} {session_id}")
        console.err.print(f"  {escape(str(error))}", soft_wrap=True)
    if failed:
        console.err.print(f"{len(failed)} of {len(ids)} sessions failed; what came is kept and resumed.")
        raise typer.Exit(1)


def plan_fetch(
    platform: Platform,
    upstream: FetchingSource,
    source: str,
    session_ids: Sequence[str],
    groups: Sequence[str],
    *,
    only_stale: bool = False,
) -> tuple[list[FetchPlan], dict[str, NhError]]:
    """Return what to fetch for the given sessions, and an error for each that cannot be planned; asks nobody.

    Parameters
    ----------
    platform
        The platform.
    upstream
        The opened source.
    source
        Source name.
    session_ids
        Sessions, in the order in which they are fetched; the first characters of an id will do.
    groups
        Asset groups whose files are wanted.
    only_stale
        Leave out groups that only assets read which are current in the store.
    """
    from nh_platform.planning.staleness import standing_of
    from nh_platform.planning.versions import SourcePlan

    manifest, plan = platform.manifest(source), SourcePlan(platform, source)
    plans: dict[str, FetchPlan] = {}
    failed, counted = {}, set()
    for asked in session_ids:
        try:
            session_id = manifest.session_named(asked)
            if session_id in plans:
                continue
            files = manifest.session(session_id)
            wanted = tuple(groups)
            if only_stale:
                stale = standing_of(plan, files).stale
                wanted = tuple(name for name in groups if any(name in plan.assets[one].groups for one in stale))
            requests = upstream.raw_requests(files, wanted) if wanted else []
            missing = [request for request in requests if not request.is_there]
        except NhError as error:
            failed[asked] = error
            continue
        new = {request.identity: request.size or 0 for request in missing if request.identity not in counted}
        counted |= set(new)
        plans[session_id] = FetchPlan(files, wanted, len(requests), len(missing), sum(new.values()))
    return list(plans.values()), failed


def _fetching_source(platform: Platform, source: str) -> FetchingSource:
    from nh_platform.session import ConfigError
    from nh_platform.sources.fetching import FetchingSource

    opened = platform.source(source)
    if not isinstance(opened, FetchingSource):
        raise ConfigError(
            f"source {source}",
            "it offers no files ahead of their reading",
            f"Run `nh materialize {source} SESSION`.",
        )
    return opened


def _fetch_plans(
    upstream: FetchingSource, raw: DownloadFolder, source: str, plans: Sequence[FetchPlan], jobs: int | None
) -> dict[str, NhError]:
    wanted = [plan for plan in plans if plan.n_missing]
    if not wanted:
        console.say(f"{source}: all {sum(plan.n_files for plan in plans)} files are there; nothing to fetch.")
        return {}
    raw.require_space(sum(plan.n_bytes for plan in wanted), f"{len(wanted)} sessions of {source}")
    failed: dict[str, NhError] = {}
    total = sum(plan.n_bytes for plan in wanted)
    with _progress() as bars:
        bar = bars.add_task(source, total=total, what="")
        for number, plan in enumerate(wanted, start=1):
            name = plan.files.session.session_id
            bars.update(bar, what=f"session {number} of {len(wanted)}: {plan.files.session.subject} {name[:8]}")
            try:
                upstream.fetch(plan.files, plan.groups, lambda came: bars.update(bar, advance=came), jobs)
            except NhError as error:
                failed[name] = error
        bars.update(bar, what=f"{len(wanted) - len(failed)} of {len(wanted)} sessions")
    done = len(wanted) - len(failed)
    console.say(f"{source}: {done} sessions fetched and verified, {decimal(total)} stated upstream, in {raw.root}")
    return failed


def _print_nothing(columns: Sequence[str], form: Format | None) -> None:
    """Print a table without rows for a program that asked for one."""
    if form in (Format.csv, Format.json):
        console.print_rows([], columns, form)


def _print_plans(plans: Sequence[FetchPlan], form: Format) -> None:
    rows = [
        {
            "session": plan.files.session.session_id,
            "subject": plan.files.session.subject,
            "date": plan.files.session.date,
            "files": plan.n_files,
            "to_fetch": plan.n_missing,
            "size": decimal(plan.n_bytes) if form is Format.table else plan.n_bytes,
        }
        for plan in plans
    ]
    console.print_rows(rows, PLAN_COLUMNS, form)


def _summary(source: str, plans: Sequence[FetchPlan], raw: DownloadFolder) -> str:
    to_fetch = [plan for plan in plans if plan.n_missing]
    there = raw.root if raw.root.exists() else raw.root.parent
    while not there.exists():
        there = there.parent
    n_missing, n_files = sum(plan.n_missing for plan in plans), sum(plan.n_files for plan in plans)
    size = decimal(sum(plan.n_bytes for plan in plans))
    return (
        f"{source}: {size} in {n_missing} files of {len(to_fetch)} sessions would be fetched to {raw.root}; "
        f"{n_files - n_missing} files are there, and {decimal(shutil.disk_usage(there).free)} are free."
    )


def _print_links(upstream: FetchingSource, plans: Sequence[FetchPlan], form: Format) -> dict[str, NhError]:
    rows, failed = [], {}
    for plan in plans:
        name = plan.files.session.session_id
        try:
            links = upstream.links(plan.files, plan.groups) if plan.groups else []
        except NhError as error:
            failed[name] = error
            continue
        rows += [{"session": name, **{column: getattr(x, column) for column in LINK_FIELDS}} for x in links]
    columns = (*LINK_COLUMNS, "blake2b") if any(row["blake2b"] for row in rows) else LINK_COLUMNS
    console.print_rows(rows, columns, form)
    return failed


@contextmanager
def _progress() -> Iterator[Progress]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[what]}"),
        console=console.err,
    ) as bars:
        yield bars
