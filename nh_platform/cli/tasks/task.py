"""`nh task`: benchmark tasks, what they predict in stored sessions, linear baselines, and scores of predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.cli.review.set_aside import WithSetAsideOption, say_set_aside
from nh_platform.cli.tasks.forecast import number, print_tables
from nh_platform.cli.tasks.options import SEEDS, FeaturesOption, QcLabelsOption, one_seed_of, seeds_of, sessions_of
from nh_platform.home.folder import home_folder
from nh_platform.session import ConfigError
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.session import NhError
    from nh_platform.tasks.run_table import Run
    from nh_platform.tasks.task import TaskData

Name = Annotated[str, typer.Argument(metavar="TASK", help="Name of a task, as `nh task list` has it.")]
SourceOption = Annotated[str, typer.Option(help="Source of the sessions. Default: the first that has the task.")]
SessionsOption = Annotated[
    str, typer.Option("--sessions", metavar="IDS", help="Session ids with commas between, or their first characters.")
]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Benchmark tasks: what models of these data are compared on, made of stored sessions (docs/tasks.md).",
)


@app.command("list")
def list_(format_: FormatOption = Format.table) -> None:
    """List the tasks, what each predicts, its metrics, and how many stored sessions its sources have.

    **Examples**

        nh task list
    """
    rows = [
        {
            "task": one.task.name,
            "predicts": one.task.title,
            "target": one.task.kind,
            "metrics": ", ".join(one.task.metrics) if one.task.table is None else "of each unit, in a table",
            "sources": ", ".join(one.task.sources) or "any",
            "stored sessions": sum(one.sources.values()),
        }
        for one in operations.list_tasks(home_folder())
    ]
    console.print_rows(rows, list(rows[0]), format_)


@app.command("run")
def run(
    task: Name,
    source: SourceOption = "",
    sessions: SessionsOption = "all",
    qc_labels: QcLabelsOption = None,
    features: FeaturesOption = "intervals",
    seeds: Annotated[
        str, typer.Option(metavar="SEEDS", help=f"Seeds, as 43,44,45. Default: {SEEDS}, of psth-forecast 43 alone.")
    ] = "",
    permutations: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How often targets are moved for the control; 0 for none. Default: 100, of counts 20. "
            "Of psth-forecast how often conditions are shuffled; default 1,000.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="New folder for predictions and ground truth in BrainWideBench's files; of psth-forecast its table.",
            show_default=False,
        ),
    ] = None,
    with_set_aside: WithSetAsideOption = False,
    format_: FormatOption = Format.table,
) -> None:
    """Run a task's linear baseline over stored sessions and seeds, against a control with moved targets.

    Scores are means ± standard errors over seeds; the last row is of all sessions. `control` is the mean of the first
    metric where the targets belong to other windows, `p` the share of such scores that reach the real one. `matched` is
    the share of test windows (or units) that have a prediction. A session that lacks something is named; others go on.
    Units (`ts3`) have a second row, of means over neighbouring units. As csv or json every number of the table is
    printed.

    Of the test windows, `matched` counts every valid one: those in invalid time or without a target have no prediction.

    **Examples**

        nh task run ts1-choice

        nh task run ts1-wheel_speed --sessions aaf4b8ce --permutations 0

        nh task run ts3-unit_cosmos --seeds 43,44,45 --out predictions

        nh task run ts3-unit_cosmos --features unit_embeddings

        nh task run vc-natural_scene --source allen_vc --format csv > scores.csv

        nh task run psth-forecast --source allen_vc --permutations 500 --out forecast
    """
    from nh_platform.operations.tasks.task_lookups import task_named

    ids = sessions_of(sessions)
    if task_named(task, features=features).table is not None:
        if qc_labels is not None:
            action = "Leave it out: they are of IBL's probes and behaviour."
            raise ConfigError("--qc-labels", f"{task} takes no labels of BrainWideBench", action)
        with console.progress() as tell:
            tables = operations.task_tables(
                home_folder(),
                task,
                source=source,
                sessions=ids,
                seed=one_seed_of(seeds, task) if seeds else None,
                permutations=permutations,
                folder=out,
                with_set_aside=with_set_aside,
                on_progress=tell,
            )
        print_tables(tables, format_)
        say_set_aside(tables.set_aside, tables.noted)
        _say_lacking(tables.lacking)
        if out is not None and tables.tables and format_ is Format.table:
            console.say(escape(f"written: {out}/{task}.csv and {out}/origin.json"))
        raise typer.Exit(0 if tables.tables else 1)
    with console.progress() as tell:
        found = operations.run_task(
            home_folder(),
            task,
            source=source,
            sessions=ids,
            qc_labels=qc_labels,
            features=features,
            seeds=seeds_of(seeds or SEEDS),
            permutations=permutations,
            folder=out,
            with_set_aside=with_set_aside,
            on_progress=tell,
        )
    _print_run(found, format_)
    say_set_aside(found.set_aside, found.noted)
    _say_lacking(found.lacking)
    if not found.sessions:
        raise typer.Exit(1)
    if out is not None and format_ is Format.table:
        console.say(escape(f"written: {out}/predictions and {out}/ground_truth"))


@app.command("targets")
def targets(
    task: Name,
    source: SourceOption = "",
    sessions: SessionsOption = "all",
    qc_labels: QcLabelsOption = None,
    features: FeaturesOption = "intervals",
    with_set_aside: WithSetAsideOption = False,
    format_: FormatOption = Format.table,
) -> None:
    """Show what a task predicts in stored sessions: windows (or units) by split, inputs, targets, what was left out.

    **Examples**

        nh task targets ts1-choice

        nh task targets ts2-forecasting --sessions aaf4b8ce
    """
    with console.progress() as tell:
        found = operations.task_targets(
            home_folder(),
            task,
            source=source,
            sessions=sessions_of(sessions),
            qc_labels=qc_labels,
            features=features,
            with_set_aside=with_set_aside,
            on_progress=tell,
        )
    rows = [_of_targets(data) for data in found.data.values()]
    if rows:
        console.print_rows(rows, list(rows[0]), format_, title=f"{task}: {found.task.title}")
    _say_left_out([data.left_out for data in found.data.values()])
    for note in dict.fromkeys(note for data in found.data.values() for note in data.notes):
        console.say(escape(f"note: {note}"), to=console.err)
    say_set_aside(found.set_aside, found.noted)
    _say_lacking(found.lacking)
    raise typer.Exit(0 if rows else 1)


@app.command("score")
def score(
    predictions: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="Folder of files as seed_43.safetensors.")],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="Folder of ground truth that `nh task run` wrote.")],
    format_: FormatOption = Format.table,
) -> None:
    """Score predictions of a model of your own, in BrainWideBench's files, by the same metrics as its scorer.

    `matched` is the share of the ground truth that has a prediction: windows without one are left out of the score. A
    file that cannot be scored is named, the others go on, and the exit code is 1.

    **Examples**

        nh task score out/predictions out/ground_truth
    """
    found = operations.score_predictions(predictions, truth)
    rows = [
        {"model": one.label, "task": one.task, "session_id": one.session_id, "seed": one.seed}
        | {"matched": f"{one.matched:.0%}" if format_ is Format.table else one.matched}
        | {name: number(value) if format_ is Format.table else value for name, value in one.metrics.items()}
        for one in found.files
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if rows:
        console.print_rows(rows, columns, format_)
    for error in found.refused.values():
        console.show_error(error)
    console.say(f"{len(rows)} of {counted(len(rows) + len(found.refused), 'file')} scored", to=console.err)
    raise typer.Exit(1 if found.refused else 0)


def _print_run(run: Run, format_: Format) -> None:
    """Print the table of a run, and what its reader must know."""
    if not run.sessions:
        return
    rows = console.records(run.table())
    if format_ is not Format.table:
        console.print_rows(rows, list(rows[0]), format_)
    else:
        shown = [
            {
                "session": row["session_id"],
                **{name: _with_error(row[name], row[f"{name}_se"]) for name in run.task.metrics},
                "control": number(row["control"]),
                "p": number(row["p"]),
                "train": row["train"],
                "test": row["test"],
                "matched": f"{row['matched']:.0%}",
            }
            for row in rows
        ]
        seeds = ", ".join(map(str, run.seeds))
        title = f"{run.task.name}, {run.sessions[0].label}, seeds {seeds}"
        console.print_rows(shown, list(shown[0]), format_, title=title)
    if run.pooled:
        console.say(f"over the units of {counted(len(run.pooled), 'session')}: {', '.join(run.pooled)}", to=console.err)
    _say_left_out([one.left_out for one in run.sessions])
    for note in run.notes:
        console.say(escape(f"note: {note}"), to=console.err)


def _of_targets(data: TaskData) -> dict[str, Any]:
    """Return what a row of `nh task targets` says of a session."""
    n_times = data.mask.shape[1] if data.mask.ndim == 2 else 1
    predicted = f"{len(data.label_names)} classes" if data.label_names else f"{n_times} moments"
    if len(data.target_ids) and not data.label_names:
        predicted += f" of {counted(len(data.target_ids), 'unit')}"
    return {
        "session": data.session_id,
        **{split: len(data.rows(split)) for split in ("train", "val", "test")},
        "in no split": int((data.split == "").sum()),
        "inputs": len(data.input_ids),
        "predicted": predicted,
    }


def _say_left_out(by_session: Sequence[Mapping[str, int]]) -> None:
    """Print how many windows or units were left out of all sessions, by reason."""
    left_out: dict[str, int] = {}
    for one in by_session:
        for why, n in one.items():
            left_out[why] = left_out.get(why, 0) + n
    for why, n in left_out.items():
        console.say(escape(f"left out: {n}, {why}"), to=console.err)


def _say_lacking(lacking: Mapping[str, NhError]) -> None:
    """Print why sessions have no score."""
    for error in lacking.values():
        console.say(f"[yellow]no score[/] {escape(f'{error.thing}: {error.found}. {error.action}')}", to=console.err)


def _with_error(mean: float | None, error: float | None) -> str:
    return number(mean) if error is None or math.isnan(error) else f"{number(mean)} ± {error:.3f}"
