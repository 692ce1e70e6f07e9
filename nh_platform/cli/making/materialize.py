"""`nh materialize` makes assets of sessions here and now; `nh backfill` asks the daemon for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import SourceArgument
from nh_platform.cli.making.needs import print_needs
from nh_platform.cli.terminal.stopping import going_on_with
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.operations.side_by_side.planned_runs import SessionOutcome

_WARNED_SHOWN = 20
"""Sessions whose checks are listed one by one; of more, checks are counted."""


def materialize(
    source: SourceArgument,
    session: Annotated[
        list[str] | None, typer.Argument(help="Session ids, or the first characters of each.", show_default=False)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every registered session, also what is current.")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Whatever is missing or stale, in every session.")] = False,
    asset: Annotated[
        list[str] | None, typer.Option("--asset", help="Only this asset; may be repeated.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and run nothing.")] = False,
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            help="Sessions made at a time, each in a process of 0.5 GB beside the session. Limits of the queue of "
            "`nh ui` do not count here.",
            show_default=True,
        ),
    ] = 1,
) -> None:
    """Make the assets of sessions here and now, one run per session, checks included.

    Sessions that are named run whole, current or not; `--missing` runs what is missing or stale alone, of all sessions
    or of those that are named. A session that fails is named with the reason; the others go on and nothing stored is
    lost. With `--missing`, a session whose gate says that its data cannot be used is named and left alone, and is no
    failure.

    **Examples**

        nh materialize ibl aaf4b8ce-6cd4-4198-be2b-cefbbeecd691

        nh materialize allen_vc --missing --dry-run

        nh materialize ibl --all --asset units --asset windows

        nh materialize allen_vbn --missing --processes 4
    """
    console.require_one_choice("nh materialize", session, all_, missing and not session)
    console.require_known(source, session)
    again = ("--missing", *(session or ()), *(part for name in asset or () for part in ("--asset", name)))
    again += ("--processes", str(processes)) if processes > 1 else ()
    but = "" if missing else ", which leaves out what was current before"
    with going_on_with("materialize", source, *again, but=but), console.progress() as on_progress:
        found = operations.materialize(
            home_folder(),
            source,
            session or None,
            assets=asset or [],
            only_stale=missing,
            dry_run=dry_run,
            processes=processes,
            on_progress=on_progress,
        )
    for problem in found.problems:
        console.warn(problem)
    print_gated(source, found.gated)
    if dry_run:
        for plan in found.plans:
            console.say(f"{source} {plan.session_id}: {', '.join((*plan.assets, *_checks_of(plan.checked)))}")
        console.say(f"{len(found.plans)} of {found.n_sessions} sessions would run.")
        raise typer.Exit(1 if print_failed_sessions(found.outcomes) else 0)
    if not found.outcomes:
        rest = f", but for {len(found.gated)} gated ones" if found.gated else ""
        console.say(f"{source}: all {found.n_sessions} sessions are current{rest}; nothing to do.")
        return
    n_failed = print_failed_sessions(found.outcomes)
    n_made = counted(len(found.outcomes) - n_failed, "session")
    console.say(f"{source}: {n_made}, {counted(found.n_assets, 'asset')} materialized.")
    print_warned_sessions(found.outcomes)
    noted = [outcome for outcome in found.outcomes if outcome.n_notes]
    if noted:
        most = max(noted, key=lambda outcome: outcome.n_notes).plan.session_id
        console.say(
            f"notes of what was left out or assumed: {sum(one.n_notes for one in noted)} in "
            f"{counted(len(noted), 'session')}; `nh show {source} {most}` lists those of one, "
            f"`nh sessions --source {source} --sort notes` finds others"
        )
    if n_failed:
        raise typer.Exit(1)


def backfill(
    source: SourceArgument,
    session: Annotated[list[str] | None, typer.Argument(help="Sessions; all that lack something if none.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most this many sessions, heavy ones first; 0 for all.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be queued, and queue nothing.")] = False,
) -> None:
    """Ask the daemon for a source's sessions: the first load, or what is missing or stale.

    Exactly what is missing or stale is made of each session, with the checks of what is made. The release sensor of
    `nh ui` (or of your own deployment) launches the runs, one per session, those that are asked for before all others;
    `nh materialize --missing` runs here and now. Tries that failed before do not count. A session whose gate says that
    its data cannot be used is named and not asked for. The daemon may be started later.

    `--dry-run` also says what it needs, by formulas that it prints: bytes to download, bytes of the store and of its
    windows, CPU time, and what the disks have free, beside the storage table of the guide. What a disk has no room for
    is a warning.

    **Examples**

        nh backfill ibl --limit 10 --dry-run

        nh backfill allen_vc
    """
    console.require_known(source, session)
    found = operations.backfill(home_folder(), source, session or None, limit=limit, dry_run=dry_run)
    print_gated(source, found.gated)
    if not found.id:
        for name in found.sessions:
            lacking = (*found.stale.get(name, ()), *_checks_of(found.checked.get(name, ())))
            console.say(f"{source} {name}: lacks {', '.join(lacking)}")
        words = "would be queued" if found.sessions else "lack something"
        console.say(f"{len(found.sessions)} of {found.n_sessions} sessions {words}.")
        if found.needs is not None:
            print_needs(source, found.needs)
        return
    console.say(f"{source}: {counted(len(found.sessions), 'session')} queued as backfill {found.id}.")
    console.say(
        f"The sensor {source}_release_sensor launches them, heavy ones first: the daemon of `nh ui`, or of a "
        f"deployment, looks every two minutes, now or later. Follow them under Runs by the tag nh/backfill={found.id}, "
        "or with `nh status`."
    )
    if found.is_stopped:
        console.say("[yellow]It is stopped[/]: nothing runs until it is started under Automation in the page.")


def _checks_of(assets: Sequence[str]) -> list[str]:
    return [f"the checks of {asset}" for asset in assets]


def print_failed_sessions(outcomes: Sequence[SessionOutcome]) -> int:
    """Print what went wrong, session by session, with what was made and what was not, and return how many failed."""
    failed = [outcome for outcome in outcomes if not outcome.success]
    for outcome in failed:
        console.err.print(f"[bold red]failed[/] {outcome.plan.source} {outcome.plan.session_id}")
        for text in outcome.errors:
            console.say(f"  {escape(text)}", hanging=2, to=console.err)
        kept = [asset for asset in outcome.plan.assets if asset not in outcome.made]
        if outcome.made:
            console.say(f"  made: {', '.join(outcome.made)}", hanging=2, to=console.err)
        if kept:
            text = f"  not made; any version stored before stays: {', '.join(kept)}"
            console.say(text, hanging=2, to=console.err)
    if failed:
        console.err.print(f"{len(failed)} of {len(outcomes)} sessions failed.")
    return len(failed)


def print_warned_sessions(outcomes: Sequence[SessionOutcome]) -> None:
    """Print which checks warn or fail, session by session with what they found, and counted over all of them."""
    warned = [outcome for outcome in outcomes if outcome.warned]
    for outcome in warned[:_WARNED_SHOWN]:
        console.say(f"[yellow]checks[/] {outcome.plan.source} {outcome.plan.session_id}")
        for one in outcome.warned:
            console.say_beside(one.word, f"{one.asset}, {one.check}: {one.text}", indent=2)
    if warned:
        by_check = Counter(one.check for outcome in warned for one in outcome.warned)
        checks = ", ".join(f"{name} in {number}" for name, number in by_check.most_common())
        first = warned[0].plan
        console.say(
            f"checks that warn or fail: in {len(warned)} of {len(outcomes)} sessions ({checks}); "
            f"`nh show {first.source} {first.session_id}` shows those of one"
        )


def print_gated(source: str, gated: Mapping[str, Sequence[str]]) -> None:
    """Print which sessions cannot be used and why; they are no failures, and nothing runs for them."""
    for session_id, reasons in gated.items():
        console.err.print(f"[bold yellow]gated[/] {source} {session_id}")
        for text in reasons:
            console.say(f"  {escape(text)}", hanging=2, to=console.err)
    if gated:
        console.say(
            f"{counted(len(gated), 'session is', 'sessions are')} gated: what they are made from cannot be used as it "
            "is. What is stored of them is unchanged; a release that corrects it runs them again.",
            to=console.err,
        )
