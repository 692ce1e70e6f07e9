"""`nh materialize`: makes assets of sessions here and now, in this process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli import console

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform


def materialize(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc or allen_vbn.")],
    session: Annotated[list[str] | None, typer.Argument(help="Session ids.", show_default=False)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every registered session, also what is current.")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="Whatever is missing or stale, in every session.")] = False,
    asset: Annotated[
        list[str] | None, typer.Option("--asset", help="Only this asset; may be repeated.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and run nothing.")] = False,
) -> None:
    """Make the assets of sessions here and now, one run per session, checks included.

    A session that fails is named with the reason; the others go on and nothing stored is lost. With `--missing`, a
    session whose gate says that its data cannot be used is named and left alone, and is no failure.

    **Examples**

        nh materialize ibl 4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b

        nh materialize allen_vc --missing --dry-run

        nh materialize ibl --all --asset units --asset windows
    """
    from nh_platform.assets.registry import session_assets
    from nh_platform.cli.runs import plan_sessions, print_failures, print_gated, run_plans
    from nh_platform.defs.build import build_defs
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import open_instance
    from nh_platform.session import ConfigError
    from nh_platform.sources.registry import source_entry

    source_entry(source)
    given = [bool(session), all_, missing]
    if sum(given) != 1:
        raise ConfigError(
            "nh materialize", "it needs session ids, --all or --missing, and only one of them", "See --help."
        )
    known = session_assets(source)
    for name in asset or []:
        if name not in known:
            raise ConfigError(f"asset {name!r}", f"{source} has no such per-session asset", f"Use: {', '.join(known)}.")
    settings = load_settings()
    platform = Platform(settings)
    ids = session or platform.manifest(source).session_ids
    plans, refused = plan_sessions(platform, source, ids, only_stale=missing, assets=asset or [])
    asked = {plan.session_id for plan in plans}
    gated = _gated(platform, source, (name for name in ids if name not in asked)) if missing else {}
    print_gated(source, gated)
    if dry_run:
        for plan in plans:
            console.say(f"{plan.source} {plan.session_id}: {', '.join(plan.assets)}")
        console.say(f"{len(plans)} of {len(ids)} sessions would run.")
        raise typer.Exit(1 if print_failures(refused) else 0)
    if not plans and not refused:
        rest = f", but for {len(gated)} gated ones" if gated else ""
        console.say(f"{source}: all {len(ids)} sessions are current{rest}; nothing to do.")
        return
    with open_instance(settings) as instance:
        outcomes = [*refused, *run_plans(build_defs(platform), instance, plans)]
    n_failed = print_failures(outcomes)
    n_assets = sum(len(outcome.plan.assets) for outcome in outcomes if outcome.success)
    console.say(f"{source}: {len(outcomes) - n_failed} sessions, {n_assets} assets materialized.")
    if n_failed:
        raise typer.Exit(1)


def _gated(platform: Platform, source: str, session_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return those of some sessions that are gated, with the reasons."""
    from nh_platform.qc.gate import read_gate

    folders = {name: platform.store.current(source, name, "units") for name in session_ids}
    gates = {name: read_gate(folder) for name, folder in folders.items() if folder is not None}
    return {name: gate for name, gate in gates.items() if gate}
