"""`nh demo`: two simulated sessions per source, in the upstream formats, through every asset and check."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.making.materialize import print_failed_sessions, print_warned_sessions
from nh_platform.cli.sync import say_synced
from nh_platform.cli.terminal.invocation import set_given_home
from nh_platform.cli.ui import DEMO_HOME
from nh_platform.home.folder import HOME_VARIABLE
from nh_platform.operations.side_by_side.at_hand import cores_at_hand
from nh_platform.operations.simulated.simulated_upstream import SEED, TRAINING_SET


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(help=f"Home folder of the demo; that of --home, else {DEMO_HOME}.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulation; the same seed gives the same bytes.")] = SEED,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Sessions made at a time; one for each core, at most 4 and as memory allows, if not given.",
        ),
    ] = None,
) -> None:
    """Make simulated sessions and run everything on them: no network, no account, one to four minutes.

    The sessions are written in the upstream formats (an ALF tree with ONE tables, NWB files), so the same code reads
    them that reads real data. A second call finds everything current and computes nothing again.

    **Examples**

        nh demo

        nh demo --folder /data/nh-demo --seed 7
    """
    began = time.monotonic()
    stated = os.environ.get(HOME_VARIABLE)
    if folder is not None or not stated:
        folder = folder or Path(DEMO_HOME)
        set_given_home(str(folder))
    else:
        folder = Path(stated)
    with console.progress() as on_progress:
        found = operations.demo(folder, seed, processes=processes or cores_at_hand(), on_progress=on_progress)
    for synced in found.synced:
        say_synced(synced)
    n_failed = print_failed_sessions(found.outcomes)
    print_warned_sessions(found.outcomes)
    if not found.outcomes:
        console.say("Everything is current; nothing was computed again.")
    shares = [f"{share:.0%}" if share == share else "" for share in found.sessions["pass rate"].astype(float)]
    rows = found.sessions.assign(**{"pass rate": shares}).to_dict("records")
    console.print_table(rows, "What was made")
    if found.training_set:
        console.say(f"Training set {found.training_set} is ready: nh train-set show {TRAINING_SET}.")
    console.say("Simulated sessions: their pass rates are not those of real recordings.")
    console.say(f"[dim]{time.monotonic() - began:.0f} s[/]")
    _print_next(folder, rows[0])
    if n_failed:
        raise typer.Exit(1)


def _print_next(folder: Path, first: Mapping[str, object]) -> None:
    session = f"{first['source']} {first['session']}"
    where = "--demo" if folder == Path(DEMO_HOME) else ""
    home = "" if where else f"--home {folder} "
    at = f"--home {folder} "
    console.say("\n[bold]What to open next[/]")
    console.say(
        f"  uv run nh {home}ui {where}".rstrip() + "    the asset graph, sessions and checks in Dagster's web page"
    )
    console.say(
        f"  {_page(folder, first)}    the page of a session in a browser: every unit with its figures and verdicts"
    )
    serve = "review serve --demo" if where else f"--home {folder} review serve"
    console.say(f"  uv run nh {serve}    the review desk: the same pages, and decisions")
    console.say(f"  uv run nh {at}show {session}    one session: files, assets, units, regions")
    console.say(f"  uv run nh {at}sessions --sort units --spread region    find sessions")
    console.say("  docs/train-a-model.md    train a decoder on the training set of the demo")
    console.say("  docs/first-session.md    read spikes, units, trials and PSTHs in a notebook")


def _page(folder: Path, first: Mapping[str, object]) -> str:
    """Return the path of the page of a session; the command that makes it where there is none."""
    from nh_platform.home.settings import load_settings
    from nh_platform.reports.session_page.stored import stored_page
    from nh_platform.session import NhError
    from nh_platform.store import Store

    try:
        page = stored_page(Store(load_settings(folder).store), str(first["source"]), str(first["session"]))
    except NhError:
        return f"uv run nh --home {folder} materialize {first['source']} {first['session']} --missing"
    return os.path.relpath(page)
