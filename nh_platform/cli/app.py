"""The `nh` command itself: the global options, the list of commands, how errors are shown, and how a process ends.

Add a command group here by its module. What a command does stands in that module.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.main import get_command_name
from typer.models import CommandInfo, TyperInfo

from nh_platform.cli import console
from nh_platform.cli.anatomy.coords import coords
from nh_platform.cli.demo import demo
from nh_platform.cli.doctor import doctor
from nh_platform.cli.embed.app import app as embed_app
from nh_platform.cli.exports.app import app as export_app
from nh_platform.cli.exports.cite import cite
from nh_platform.cli.fetch import fetch
from nh_platform.cli.files import files
from nh_platform.cli.inventory import inventory
from nh_platform.cli.making.materialize import backfill, materialize
from nh_platform.cli.qc.rulebooks import app as qc_app
from nh_platform.cli.releases import app as releases_app
from nh_platform.cli.review.app import app as review_app
from nh_platform.cli.search.probes import app as probes_app
from nh_platform.cli.search.released_rows import channels, units
from nh_platform.cli.sessions import sessions
from nh_platform.cli.show import show
from nh_platform.cli.status import status
from nh_platform.cli.sync import sync
from nh_platform.cli.tasks.task import app as task_app
from nh_platform.cli.terminal.invocation import set_given_home
from nh_platform.cli.terminal.stopping import Stopped, stopped_by_signals
from nh_platform.cli.training.splits import splits
from nh_platform.cli.training.train_set import app as train_set_app
from nh_platform.cli.ui import DEMO_HOME, ui
from nh_platform.cli.upkeep.backup import backup, restore
from nh_platform.cli.upkeep.clean import clean
from nh_platform.cli.upkeep.lock import app as lock_app
from nh_platform.cli.upkeep.migrate import migrate
from nh_platform.cli.upkeep.move_history import move_history
from nh_platform.cli.upkeep.prune import prune
from nh_platform.cli.upkeep.verify import verify
from nh_platform.cli.watching.metrics import metrics
from nh_platform.home.folder import HOME_VARIABLE, home_folder
from nh_platform.home.own_process import collect_seldom, use_one_thread
from nh_platform.session import NhError


class _NamedErrors(TyperGroup):
    """Shows the platform's own errors as a sentence with the next step, and everything else with its traceback."""

    def parse_args(self, ctx, args):  # type: ignore[no-untyped-def]
        given = bool(args)
        rest = super().parse_args(ctx, args)
        home = ctx.params.get("home")
        if given and not rest and str(home) in self.commands and ctx.get_parameter_source("home").name == "COMMANDLINE":
            ctx.fail(f"'{home}' was read as the folder of --home, and no command is left: nh --home FOLDER {home}")
        return rest

    def invoke(self, ctx):  # type: ignore[no-untyped-def]
        try:
            with stopped_by_signals():
                if not set(ctx.help_option_names) & set(ctx.args):  # help is to answer at once
                    console.warn_of_broken_packages()
                return super().invoke(ctx)
        except Stopped as end:
            console.say(escape(end.text), to=console.err)
            raise typer.Exit(end.code) from end
        except NhError as error:
            console.show_error(error)
            if (
                "nh sync" in error.action
                and Path(DEMO_HOME, "store").is_dir()
                and home_folder() != Path(DEMO_HOME).absolute()
            ):
                console.err.print(f"      What `nh demo` made is in another home: nh --home {DEMO_HOME} …")
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_NamedErrors,
    name="nh",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Public Neuropixels releases as quality-controlled, versioned, ML-ready sessions.\n\n"
        "First time here? `nh demo` makes simulated sessions in the upstream formats and runs everything on them, "
        "with no network and no account; `nh ui --demo` then shows them in Dagster's web page."
    ),
)


def _stated_folder(text: str) -> Path:
    """Refuse what an unset variable of a shell leaves: it would be the working folder."""
    if not text:
        raise typer.BadParameter("it is empty; give a folder, or leave --home out")
    return Path(text)


@app.callback()
def _global_options(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            envvar=HOME_VARIABLE,
            parser=_stated_folder,
            metavar="PATH",
            help="Folder that holds the store, Dagster's history and reviews. Default: ./data",
            show_default=False,
        ),
    ] = None,
) -> None:
    source = ctx.get_parameter_source("home")
    set_given_home(str(home) if source is not None and source.name == "COMMANDLINE" else None)
    if home is not None:
        os.environ[HOME_VARIABLE] = str(home.absolute())


for _command in (
    demo,
    ui,
    sync,
    fetch,
    files,
    materialize,
    backfill,
    status,
    inventory,
    sessions,
    units,
    channels,
    coords,
    splits,
    show,
    doctor,
    clean,
    verify,
    migrate,
    move_history,
    backup,
    restore,
    prune,
    metrics,
    cite,
):
    app.command()(_command)
app.add_typer(probes_app, name="probes")
app.add_typer(qc_app, name="qc")
app.add_typer(review_app, name="review")
app.add_typer(export_app, name="export")
app.add_typer(embed_app, name="embed")
app.add_typer(releases_app, name="releases")
app.add_typer(lock_app, name="lock")
app.add_typer(train_set_app, name="train-set")
app.add_typer(task_app, name="task")


def main() -> None:
    """Run `nh` as a process of its own, which ends as soon as the command does.

    Freeing 2,000 loaded modules kept the process for 0.8 to 1.1 s after the last line, and a download that waits for a
    silent server kept an interrupted one for as long as the server may be silent.
    """
    use_one_thread()
    collect_seldom()
    app.registered_commands, app.registered_groups = _asked_for(sys.argv[1:])
    code = 1  # of what ends in a traceback
    atexit.register(lambda: _leave(code))  # the first one registered runs last
    try:
        app(prog_name="nh")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code > 128:
            _leave(code)
        raise


def _asked_for(arguments: Sequence[str]) -> tuple[list[CommandInfo], list[TyperInfo]]:
    """Return the command or group of commands that is asked for: to look into the parameters of all takes 75 ms.

    All of them where none is named, or one that there is not: help and suggestions name every one.
    """
    words = (one for before, one in pairwise(("", *arguments)) if "--home" not in (before, one.partition("=")[0]))
    asked = next(words, "")
    commands = [
        one for one in app.registered_commands if one.callback and get_command_name(one.callback.__name__) == asked
    ]
    groups = [one for one in app.registered_groups if one.name == asked]
    return (commands, groups) if commands or groups else (app.registered_commands, app.registered_groups)


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a reader that went away, a stream that is closed
            stream.flush()
    os._exit(code)
