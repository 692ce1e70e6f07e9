"""`nh releases …`: which states of a source are known, what one holds, and what changed between two.

Add a command about releases here. How states are stored and compared is `nh_platform.history`; nothing is decided
here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.filesize import decimal
from rich.markup import escape
from typer.core import TyperCommand

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.history.manifest import Manifest
    from nh_platform.history.snapshots import Snapshot
    from nh_platform.home.settings import PlatformSettings
    from nh_platform.sources.source import Source
    from nh_platform.store import Store

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Releases: what there is, what changed.")

_CHANGE_COLUMNS = ("kind", "session_id", "probe", "insertion_id", "group", "what")
_ALL_CHANGE_COLUMNS = (*_CHANGE_COLUMNS, "n_files", "before", "after")
_TABLES = ("sessions", "insertions", "files")


class _WithHistory(TyperCommand):
    """Lets ``--history`` take several values, as a shell expands ``freezes/*.csv``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, repeat_history(args))


def repeat_history(args: list[str], option: str = "--history", positional: int = 2) -> list[str]:
    """Return arguments in which every value after ``--history`` has an option of its own.

    Values up to the next option belong to it, but for the last ones where otherwise one of the ``positional``
    arguments would be missing: ``--history H A B`` and ``A B --history H1 H2`` both mean what they look like.

    Examples
    --------
    >>> repeat_history(["A", "B", "--history", "H1", "H2"])
    ['A', 'B', '--history', 'H1', '--history', 'H2']
    >>> repeat_history(["--history", "H", "A", "B"])
    ['--history', 'H', 'A', 'B']
    """
    if option not in args:
        return args
    start = args.index(option)
    end = next((index for index in range(start + 1, len(args)) if args[index].startswith("-")), len(args))
    before, values, after = args[:start], args[start + 1 : end], repeat_history(args[end:], option, positional=0)
    plain = [
        arg
        for part in (before, after)
        for last, arg in zip(["", *part], part)
        if not arg.startswith("-") and last not in ("--source", "--format", option)
    ]
    given_back = min(max(positional - len(plain), 0), max(len(values) - 1, 0))
    own = values[: len(values) - given_back]
    repeated = [part for value in own for part in (option, value)] or [option]
    return [*before, *repeated, *values[len(own) :], *after]


@app.command("list")
def list_(
    source: Annotated[
        str | None, typer.Argument(help="Source: ibl, allen_vc, allen_vbn or one of sources.yaml. Default: all.")
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """List the stored snapshots of a source, the release tags in the last one, and the releases known by name.

    A snapshot is added when upstream differs from the one before; none is ever removed.

    **Examples**

        nh releases list

        nh releases list ibl --format json
    """
    if source:
        console.require_known(source)
    from nh_platform.history.freezes import read_freeze
    from nh_platform.history.published_freezes import FREEZES_FOLDER, PUBLISHED, known_freezes
    from nh_platform.history.release_lookup import VersionedSource, tag_counts
    from nh_platform.history.snapshots import list_snapshots
    from nh_platform.home.platform import Platform
    from nh_platform.session import ConfigError

    settings, store = _home()
    names = [settings.entry(source).name] if source else settings.entries
    snapshots = [snapshot for name in names for snapshot in list_snapshots(store, name)]
    rows = [_snapshot_row(snapshot) for snapshot in snapshots]
    columns = ["source", "number", "id", "release", "sessions", "insertions", "files", "stored", "current"]
    console.print_rows(rows, columns, format_, title=counted(len(rows), "snapshot"))
    if format_ is not Format.table:
        return
    tags = [
        {"source": snapshot.source, **row}
        for snapshot in snapshots
        if snapshot.is_current
        for row in tag_counts(snapshot.manifest()).to_dict("records")
    ]
    console.print_table(tags, "Release tags in the current snapshots")
    platform = Platform(settings)
    opened = {}
    for name in names:
        try:
            opened[name] = platform.source(name)
        except ConfigError as error:
            if source:
                raise
            console.warn(error)
    versions = [
        {"source": name, "release": version}
        for name, upstream in opened.items()
        if isinstance(upstream, VersionedSource)
        for version in upstream.named_releases()
    ]
    console.print_table(versions, "Releases of upstream whose manifest is here")
    freezes = []
    for path in _freeze_files(settings, known_freezes(settings.home / FREEZES_FOLDER)):
        freeze = read_freeze(path)
        row = {"freeze": freeze.name, "sessions": len(freeze.session_ids), "insertions": len(freeze.insertion_ids)}
        freezes.append({**row, "file": str(path)})
    console.print_table(freezes, "Known freezes")
    others = ", ".join(name for name in PUBLISHED if name not in {row["freeze"] for row in freezes})
    folder = settings.home / FREEZES_FOLDER
    console.say(f"freezes of your own: CSV files with columns pid and eid in {escape(str(folder))}")
    if others:
        console.say(f"published freezes, fetched when they are named: {others}")
    for name in names:
        if name not in {snapshot.source for snapshot in snapshots}:
            console.say(f"{name} was never synced: `nh sync {name}`", to=console.err)


@app.command()
def show(
    source: SourceArgument,
    snapshot: Annotated[str, typer.Argument(help="Number, id or release name of a snapshot, or a version.")] = "latest",
) -> None:
    """Show what a snapshot holds, what it changed, and what upstream has withdrawn.

    Of a version that upstream publishes and that was never synced: what it holds.

    **Examples**

        nh releases show ibl

        nh releases show ibl 3

        nh releases show allen_vbn 0.4.0
    """
    console.require_known(source)
    from nh_platform.history.comparison.notice_changes import notice_in_words
    from nh_platform.history.comparison.release_diff import diff_manifests
    from nh_platform.history.release_lookup import VersionedSource, tag_counts
    from nh_platform.history.snapshots import find_snapshot, list_snapshots
    from nh_platform.history.tombstones import seen_before, withdrawn_sessions
    from nh_platform.home.platform import Platform
    from nh_platform.session import UnknownSession

    settings, store = _home()
    settings.entry(source)
    try:
        found = find_snapshot(store, source, snapshot)
    except UnknownSession:
        upstream = Platform(settings).source(source) if "." in snapshot else None
        stated = upstream.named_manifest(snapshot) if isinstance(upstream, VersionedSource) else None
        if stated is None:
            raise
        console.say(f"[bold]{source} release {escape(snapshot)}[/]  never synced")
        counts = {table: len(rows) for table, rows in zip(_TABLES, (stated.sessions, stated.insertions, stated.files))}
        console.say(", ".join(f"{table} {number}" for table, number in counts.items()))
        _print_sizes(stated)
        return
    manifest, row = found.manifest(), _snapshot_row(found)
    console.say(f"[bold]{source} snapshot {found.number}[/]  {found.id}  {escape(found.release)}")
    console.say(f"sessions {row['sessions']}, insertions {row['insertions']}, files {row['files']}, {row['stored']}")
    _print_sizes(manifest)
    console.print_table(tag_counts(manifest).to_dict("records"), "Release tags")
    earlier = [other for other in list_snapshots(store, source) if other.number < found.number]
    if earlier:
        before = earlier[-1]
        diff = diff_manifests(before.manifest(), manifest, seen_before(before.tombstones()))
        counts = [{"change": kind, "lines": number} for kind, number in diff.counts().items()]
        console.print_table(counts, f"Changes since snapshot {before.number}")
        for line in diff.summary():
            typer.echo(line)
    gone = withdrawn_sessions(found.tombstones())[["session_id", "last_seen", "gone_since"]]
    console.print_table(gone.to_dict("records"), "Withdrawn, kept here")
    for notice in manifest.notices.to_dict("records"):
        console.say(f"notice {notice['date'] or ''} {escape(notice_in_words(notice, manifest.files))}")


@app.command(cls=_WithHistory)
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="Snapshot, version, freeze, release tag or CSV file.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The later one.")],
    source: Annotated[str | None, typer.Option(help="Source of snapshots and tags.", show_default=False)] = None,
    history: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE…", help="Earlier states: what they list and A lacks has returned.", show_default=False
        ),
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """List what changed from A to B in words, whole sessions first, and the numbers at the end.

    Of two snapshots everything is compared; their numbers, ids and release names are in `nh releases list`. The same
    holds for versions that upstream publishes itself (Visual Behavior's), whether or not they were ever synced. Of
    freezes and tags, which state no more, only sessions and insertions are compared. A changed session is in both A and
    B.

    **Examples**

        nh releases diff previous latest --source ibl

        nh releases diff 0.4.0 0.5.0 --source allen_vbn

        nh releases diff 2022_10_update.csv 2022_10_bwm_release.csv --history 2022_10_initial.csv

        nh releases diff 3 5 --source ibl --format csv > changes.csv
    """
    if source:
        console.require_known(source)
    from nh_platform.history.comparison.release_diff import Seen, diff_manifests
    from nh_platform.history.published_freezes import FREEZES_FOLDER
    from nh_platform.history.release_lookup import find_state
    from nh_platform.home.platform import Platform

    settings, store = _home()
    name = settings.entry(source).name if source else _only_source(settings, store)
    folder = settings.home / FREEZES_FOLDER

    def opened() -> Source:
        return Platform(settings).source(name)

    states = [find_state(store, name, text, folder, opened) for text in (before, after)]
    seen = states[0].seen
    if history:
        seen = Seen.of_manifests(find_state(store, name, text, folder, opened).manifest for text in history)
    membership_only = any(state.membership_only for state in states)
    result = diff_manifests(states[0].manifest, states[1].manifest, seen, membership_only=membership_only)
    rows = result.changes.astype(object).where(result.changes.notna(), None).to_dict("records")
    columns = _CHANGE_COLUMNS if format_ is Format.table else _ALL_CHANGE_COLUMNS
    if rows or format_ is not Format.table:
        console.print_rows(rows, columns, format_, title=f"{states[0].title} → {states[1].title}")
    if format_ is Format.table:
        for kind, number in result.counts().items():
            typer.echo(f"{kind}: {number}")
    lines = result.summary()
    if history:
        lines.append(f"returned insertions: {len(result.insertions_returned)}")
    for line in lines:
        typer.echo(line, err=format_ is not Format.table)  # a table for a program must stay one


@app.command("try")
def try_(
    source: SourceArgument,
    sessions: Annotated[int, typer.Option(help="On so many sessions.", min=1)] = 3,
    format_: FormatOption = Format.table,
) -> None:
    """Make the units of some sessions as a held release has them, and list which come in and go out.

    They are made in a folder that is removed again: nothing in the store changes. Downloads what the release has of
    these sessions.

    **Examples**

        nh releases try ibl --sessions 5
    """
    console.require_known(source)
    with console.progress() as on_progress:
        trials = operations.try_release(home_folder(), source, sessions, on_progress)
    rows = [
        {
            "session_id": one.session_id,
            "good_before": one.n_good_before,
            "good_after": one.n_good_after,
            "came_in": len(one.came_in),
            "went_out": len(one.went_out),
            "units": " ".join([*(f"+{unit}" for unit in one.came_in), *(f"-{unit}" for unit in one.went_out)]),
            "error": one.error,
        }
        for one in trials
    ]
    columns = ["session_id", "good_before", "good_after", "came_in", "went_out", "units", "error"]
    console.print_rows(rows, columns, format_, title=f"trial on {counted(len(rows), 'session')}")
    if format_ is Format.table:
        came_in, went_out = (sum(int(str(row[name])) for row in rows) for name in ("came_in", "went_out"))
        console.say(f"units in: {came_in}, units out: {went_out}; `nh releases accept {source}` goes on")


@app.command()
def accept(
    source: SourceArgument,
) -> None:
    """Accept the release of a source that is held (`on_release: hold` in sources.yaml).

    The sensor asks for its sessions from its next tick on; `nh materialize SOURCE --missing` makes them here and now.

    **Examples**

        nh releases accept ibl
    """
    console.require_known(source)
    found = operations.accept_release(home_folder(), source)
    console.say(f"{source}: snapshot {found.snapshot} is accepted; {found.n_sessions} sessions go on.")


def _home() -> tuple[PlatformSettings, Store]:
    from nh_platform.home.settings import load_settings
    from nh_platform.store import Store

    settings = load_settings()
    return settings, Store(settings.store)


def _print_sizes(manifest: Manifest) -> None:
    groups = manifest.files[manifest.files["default_revision"]].groupby("group")
    sizes = [{"group": str(g), "files": len(f), "size": decimal(int(f["size"].sum()))} for g, f in groups]
    console.print_table(sizes, "Files of the default revision")


def _only_source(settings: PlatformSettings, store: Store) -> str:
    """Return the source that was synced where there is one alone, else the first: freezes are lists of IBL's."""
    from nh_platform.history.snapshots import list_snapshots

    synced = [name for name in settings.entries if list_snapshots(store, name)]
    return synced[0] if len(synced) == 1 else next(iter(settings.entries))


def _freeze_files(settings: PlatformSettings, known: dict[str, Path]) -> list[Path]:
    """Return the freezes of the folder and those that ``sources.yaml`` names."""
    named = [settings.home / own.read["freeze"] for own in settings.sources.values() if own.read.get("freeze")]
    named = [path for path in named if path.suffix]  # without one it is the name of a published list
    return [*known.values(), *(path for path in named if path not in known.values())]


def _snapshot_row(snapshot: Snapshot) -> dict[str, Any]:
    from nh_platform.store.records import written_at

    stored = datetime.fromtimestamp(written_at(snapshot.folder), UTC)
    return {
        "source": snapshot.source,
        "number": snapshot.number,
        "id": snapshot.id,
        "release": snapshot.release,
        **{table: snapshot.rows(table) for table in _TABLES},
        "stored": f"{stored:%Y-%m-%d %H:%M} UTC",
        "current": "yes" if snapshot.is_current else "",
    }
