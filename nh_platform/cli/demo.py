"""`nh demo`: two simulated sessions per source, in the upstream formats, through every asset and check."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli import console
from nh_platform.cli.console import Format
from nh_platform.cli.ui import DEMO_HOME

if TYPE_CHECKING:
    from nh_platform.cli.runs import SessionOutcome
    from nh_platform.home.platform import Platform

SEED = 2026
SESSIONS_PER_SOURCE = 2
UPSTREAM = "upstream"
_MARKER = "simulated.txt"


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(help=f"Home folder of the demo; that of --home, else {DEMO_HOME}.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulation; the same seed gives the same bytes.")] = SEED,
) -> None:
    """Make simulated sessions and run everything on them: no network, no account, about a minute.

    The sessions are written in the upstream formats (an ALF tree with ONE tables, NWB files), so the same code reads
    them that reads real data. A second call finds everything current and computes nothing again.

    **Examples**

        nh demo

        nh demo --folder /data/nh-demo --seed 7
    """
    from nh_platform.assets.registry import source_assets
    from nh_platform.cli.inventory import look_over
    from nh_platform.cli.runs import plan_sessions, print_failures, run_plans
    from nh_platform.cli.sync import sync_platform
    from nh_platform.defs.build import build_defs
    from nh_platform.defs.inventory import old_source_assets
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import HOME_VARIABLE, load_settings
    from nh_platform.operations.instance import open_instance, use_embedded_instance

    began = time.monotonic()
    folder = folder or Path(os.environ.get(HOME_VARIABLE) or DEMO_HOME)
    use_embedded_instance()
    write_upstream(folder.absolute(), seed)
    settings = load_settings(folder)
    platform = Platform(settings)
    outcomes: list[SessionOutcome] = []
    with open_instance(settings) as instance:
        definitions = build_defs(platform)
        plans = []
        for source in settings.sources:
            console.say(sync_platform(platform, instance, source))
            ids = platform.manifest(source).session_ids
            ready, refused = plan_sessions(platform, source, ids, only_stale=True)
            plans.extend(ready)
            outcomes.extend(refused)
        outcomes.extend(run_plans(definitions, instance, plans) if plans else [])
        for source in settings.sources:
            always = {name for name, asset in source_assets(source).items() if asset.is_remade_daily}
            if set(old_source_assets(platform, source)) > always:
                look_over(definitions, instance, platform, source)
    n_failed = print_failures(outcomes)
    if not outcomes:
        console.say("Everything is current; nothing was computed again.")
    _print_summary(platform, outcomes)
    console.say("Simulated sessions: their pass rates are not those of real recordings.")
    console.say(f"[dim]{time.monotonic() - began:.0f} s[/]")
    _print_next(folder, platform)
    if n_failed:
        raise typer.Exit(1)


def write_upstream(folder: Path, seed: int, sources: tuple[str, ...] = ()) -> None:
    """Write the simulated upstream data and the ``sources.yaml`` that points at it; nothing if it is there.

    Parameters
    ----------
    folder
        Home folder of the demo.
    seed
        Seed of the simulation.
    sources
        Names of the sources; all that have a simulation where empty.

    Raises
    ------
    ConfigError
        If the folder holds data of another seed or of other sources, or a home that is not a demo.
    """
    from nh_platform.operations.simulated_sources import simulated_sources, write_simulated
    from nh_platform.session import ConfigError
    from nh_platform.simulation import DEMO
    from nh_platform.sources.setting_errors import SOURCES_FILE

    sources = sources or simulated_sources()
    upstream = folder / UPSTREAM
    marker = upstream / _MARKER
    stated = f"seed {seed}, {SESSIONS_PER_SOURCE} sessions each of {', '.join(sources)}\n"
    if marker.exists():
        if marker.read_text(encoding="utf-8") != stated:
            found = "it holds a demo of another seed or of other sources"
            raise ConfigError(str(folder), found, "Delete it or choose another --folder.")
        return
    settings_file = folder / SOURCES_FILE
    if settings_file.exists() and settings_file.read_text(encoding="utf-8") != _sources_text(sources):
        raise ConfigError(str(folder), "it is the home of something other than this demo", "Choose another --folder.")
    for source in sources:
        with console.err.status(f"writing simulated {source} sessions"):
            write_simulated(source, upstream / source, SESSIONS_PER_SOURCE, seed, DEMO)
    settings_file.write_text(_sources_text(sources), encoding="utf-8")
    marker.write_text(stated, encoding="utf-8")


def _sources_text(sources: tuple[str, ...]) -> str:
    lines = ["# Written by `nh demo`: the sources of this home folder are simulated sessions in the upstream formats."]
    for source in sources:
        lines += [f"{source}:", "  read:", "    mode: local", f"    root: {UPSTREAM}/{source}"]
    return "\n".join(lines) + "\n"


def _print_summary(platform: Platform, outcomes: list[SessionOutcome]) -> None:
    from nh_platform.reading.search import read_summary

    checks = {(o.plan.source, o.plan.session_id): o for o in outcomes}
    rows = []
    for source in platform.settings.sources:
        rulebook = platform.config(source).rulebook_ids[0]
        for session_id in platform.manifest(source).session_ids:
            units = read_summary(platform.store, source, session_id, "units")
            outcome = checks.get((source, session_id))
            n_units, n_good = units.get("n_units", 0), units.get("n_pass", {}).get(rulebook, 0)
            files = [p for p in (platform.store.root / source / session_id).rglob("*") if p.is_file()]
            rows.append(
                {
                    "source": source,
                    "session": session_id,
                    "units": n_units,
                    "good": n_good,
                    "pass rate": f"{n_good / n_units:.0%}" if n_units else "",
                    "rulebook": rulebook,
                    "spikes": units.get("n_spikes", 0),
                    "checks": "current"
                    if outcome is None
                    else f"{outcome.checks_passed} ok {outcome.checks_failed} warn",
                    "files": len(files),
                    "MB": round(sum(p.stat().st_size for p in files) / 1e6, 1),
                }
            )
    console.print_rows(rows, list(rows[0]) if rows else [], Format.table, title="What was made")


def _print_next(folder: Path, platform: Platform) -> None:
    source = next(iter(platform.settings.sources))
    first = platform.manifest(source).session_ids[0]
    where = "--demo" if folder == Path(DEMO_HOME) else ""
    home = "" if where else f"--home {folder} "
    at = f"--home {folder} "
    console.say("\n[bold]What to open next[/]")
    console.say(
        f"  uv run nh {home}ui {where}".rstrip() + "    the asset graph, sessions and checks in Dagster's web page"
    )
    console.say(f"  uv run nh {at}show {source} {first}    one session: files, assets, units, regions")
    console.say(f"  uv run nh {at}sessions --sort units --spread region    find sessions")
    console.say("  docs/first-session.md    read spikes, units, trials and PSTHs in a notebook")
