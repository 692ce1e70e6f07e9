"""`nh status`: how far every source is, and the disk that the home folder takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.filesize import decimal
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.home.folder import home_folder
from nh_platform.operations.instance import NoInstance
from nh_platform.session import ConfigError, NhError, UnknownSession
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.operations.bucket_states import BucketState
    from nh_platform.operations.home_status import SourceStatus

_NAMED = 10
"""Sessions that are named of those set aside."""
_COUNTS = ("sessions", "ingested", "stale", "not loaded", "failed", "gated", "damaged", "withdrawn", "notes")


def status(
    format_: FormatOption = Format.table,
    watch: Annotated[
        float | None,
        typer.Option("--watch", min=1.0, metavar="SECONDS", help="Show it again every so many seconds, until Ctrl-C."),
    ] = None,
) -> None:
    """Show per source how many sessions are ingested, stale, failed, gated or withdrawn, and the disk that all takes.

    Names the sessions that reviewers set aside, and the checks that warn or fail, with the number of sessions; counts
    the notes of what was left out or assumed (`nh sessions --sort notes` finds them). With --watch it goes on while
    Dagster's database is away, and says so.

    **Examples**

        nh status

        nh status --watch 10

        nh --home /data/neuropixels status --format json
    """
    if watch is None:
        _show(format_)
        return
    was_shown = False
    while True:
        if format_ is Format.table and sys.stdout.isatty():
            console.out.clear()
        try:
            _show(format_)
            was_shown = True
        except NhError as error:
            if not (was_shown or isinstance(error, NoInstance)):  # a database that restarts is waited for
                raise
            text = f"[yellow]warning[/]: {escape(f'{error.thing}: {error.found}')}; it is asked again"
            console.say(text, hanging=9, to=console.err)
        if format_ is Format.table:
            console.say(f"{time.strftime('%H:%M:%S')}; again in {watch:g} s, Ctrl-C ends it.")
        time.sleep(watch)


def _show(format_: Format) -> None:
    """Print the state of the home folder once."""
    from nh_platform.store.names import REPLACED

    found = operations.status(home_folder())
    rows = [{"source": name, **_columns(name, one)} for name, one in found.sources.items()]
    columns = ["source", "release", "snapshot", *_COUNTS, "store GB"]
    if format_ is not Format.table:
        columns += ["checks not current", "set aside", "warned"]
    console.print_rows(rows, columns, format_, title=str(found.home))
    for one in found.sources.values():
        problems = one.problems if not isinstance(one, NhError) else () if isinstance(one, UnknownSession) else (one,)
        for problem in problems:
            console.warn(problem)
    for name, one in found.sources.items():
        if not isinstance(one, NhError) and one.n_damaged:
            console.say(
                f"{name}: files of {one.n_damaged} sessions or catalogs are damaged: `nh verify {name}` names them, "
                "`--repair` makes them again."
            )
    for name, one in found.sources.items():
        if not isinstance(one, NhError) and one.n_unchecked:
            console.say(
                f"{name}: checks not current: {one.n_unchecked}. A run ended between an output and its checks; the "
                f"sensor has them carried out, or `nh materialize {name} --missing`."
            )
    for name, one in found.sources.items():
        for sentence in () if isinstance(one, NhError) else (one.held, one.newer):
            if sentence:
                console.say(f"{name}: {escape(sentence)}.")
        for session_id, mistake in () if isinstance(one, NhError) else one.mistakes.items():
            console.say(f"{name} {session_id}: nothing is made until its review file is corrected. {escape(mistake)}")
        if not isinstance(one, NhError) and format_ is Format.table:
            _say_set_aside(name, one.set_aside)
        for session_id, trouble in () if isinstance(one, NhError) else one.unreadable.items():
            console.say(f"{name} {session_id}: nothing is made until it can be read. {escape(trouble)}")
    for name, one in found.sources.items():
        for asset, n_sessions in one.replaced.items() if not isinstance(one, NhError) else ():
            console.say(
                f"{name}: {counted(n_sessions, 'session still holds', 'sessions still hold')} `{asset}`, which "
                f"{' and '.join(REPLACED[asset])} replace: "
                f"`nh materialize {name} --missing` makes them, `nh clean {name}` then removes the old folders."
            )
        if not isinstance(one, NhError) and format_ is Format.table:
            for backfill, number in one.backfills.items():
                verb = "is" if number == 1 else "are"
                console.say(f"{name}: {counted(number, 'session')} of backfill {backfill} {verb} still to be made.")
            print_warned(name, one.warned)
    if format_ is Format.table:
        parts = ", ".join(f"{name} {decimal(size)}" for name, size in found.folder_bytes.items())
        console.say_beside("Disk:", f"{parts or 'nothing is kept here'}; {decimal(found.n_free)} are free.")
    for bucket in found.buckets:
        if bucket.trouble or format_ is Format.table:
            _say_bucket(bucket)


def _say_bucket(bucket: BucketState) -> None:
    """Print where something lies in a bucket, and what this machine holds of it; to the errors where it is away."""
    held = f"this machine holds {decimal(bucket.held_bytes)} of it in {bucket.cache}"
    bound = f"{decimal(bucket.most_bytes)} at most of all that lies in buckets"
    if bucket.trouble:
        text = f"[yellow]warning[/]: {bucket.what} in {bucket.address}: {escape(bucket.trouble)}"
        console.say(text, hanging=9, to=console.err)
        return
    n_files = f": {counted(bucket.n_files, 'file')}, {decimal(bucket.n_bytes)}" if bucket.what == "raw files" else ""
    console.say_beside("Bucket:", f"{bucket.what} in {bucket.address}{n_files}; {escape(held)} ({bound}).")


def _say_set_aside(source: str, words: Mapping[str, str]) -> None:
    """Print the sessions that reviewers set aside or propose to, the first of many."""
    named = [f"{session_id} ({text})" for session_id, text in words.items()]
    if named:
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        text = f"{', '.join(named[:_NAMED])}{more}; `nh review list {source}` says why"
        console.say_beside(f"{source}:", f"reviewed as a whole: {text}")


def print_warned(source: str, warned: Mapping[str, int]) -> None:
    """Print which checks of sessions warn or fail, and in how many sessions; nothing where none does."""
    if warned:
        checks = ", ".join(f"{name} in {number}" for name, number in warned.items())
        text = f"sessions in which checks warn or fail: {checks}; `nh show {source} SESSION` says why"
        console.say_beside(f"{source}:", text)


def _columns(name: str, one: SourceStatus | NhError) -> dict[str, Any]:
    if isinstance(one, UnknownSession):
        return {"release": f"never synced: nh sync {name}"}
    if isinstance(one, ConfigError):
        return {"release": "cannot be used as it is configured"}
    if isinstance(one, NhError):
        return {"release": "cannot be read"}
    counts = {count: getattr(one, f"n_{count.replace(' ', '_')}") for count in _COUNTS}
    warned = ", ".join(f"{check} in {number}" for check, number in one.warned.items())
    size = round(one.store_bytes / 1e9, 3)
    aside = sum(words == "set aside" for words in one.set_aside.values())
    facts = {"store GB": size, "checks not current": one.n_unchecked, "set aside": aside, "warned": warned}
    return {"release": one.release, "snapshot": one.snapshot, **counts, **facts}
