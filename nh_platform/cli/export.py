"""`nh export`: what the store holds, in layouts that other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder

app = typer.Typer(no_args_is_help=True, help="Writes what the store holds in layouts that other tools read.")


@app.command()
def stimulus(
    stimulus: Annotated[str, typer.Argument(help="Stimulus type, for example natural_movie_one.")],
    structure: Annotated[str, typer.Argument(help="Structure acronym, for example VISp.")],
    out: Annotated[Path, typer.Argument(help="Folder to write into.")],
    data: Annotated[str, typer.Option(help="spike_data, speed or pupil_data.")] = "spike_data",
    mode: Annotated[str, typer.Option(help="exact, or mlynarski-compat for that data set's conventions.")] = "exact",
    variant: Annotated[
        str | None, typer.Option(help="Only sessions that were shown the stimulus under this name.")
    ] = None,
    source: Annotated[str, typer.Option(help="Source; by default the first that has stimulus tensors.")] = "",
) -> None:
    """Write one npy per session: units × presentations × time, in bins of 20 ms.

    Speed is presentations × time, pupil data variables × presentations × time. The json beside the arrays names units,
    presentations and times. The asset `stimulus_files` is made first where it is missing or older than the tensors.

    natural_movie_one holds the sessions of natural_movie_one_more_repeats too, the same movie shown more often: the
    command says how many of each, the json which session is which, and --variant takes one of them.

    **Examples**

        nh export stimulus natural_movie_one VISp npy

        nh export stimulus natural_movie_one VISp npy --variant natural_movie_one

        nh export stimulus drifting_gratings VISl npy --data speed --mode mlynarski-compat
    """
    found = operations.export_stimulus(
        home_folder(),
        stimulus,
        structure,
        out,
        data=data,
        mode=mode,
        variant=variant,
        source=source,
        on_progress=lambda step: console.say(step.what),
    )
    console.say(f"{len(found.files)} sessions of {stimulus} in {structure} written to {out}")
    if found.shown_as:
        console.say("shown as " + ", ".join(f"{name}: {number} sessions" for name, number in found.shown_as.items()))
    if not found.files:
        console.err.print(f"no session has {data} for it")


@app.command()
def pictures(
    stimulus: Annotated[str, typer.Argument(help="natural_scenes, natural_movie_one or natural_movie_three.")],
    out: Annotated[Path, typer.Argument(help="Folder to write into.")],
    mode: Annotated[str, typer.Option(help="exact, or mlynarski-compat for that data set's grey levels.")] = "exact",
    source: Annotated[str, typer.Option(help="Source; by default the first that has stimulus tensors.")] = "",
) -> None:
    """Write every picture of a stimulus into one file: frame × y × x, grey levels 0-255.

    The frame of a presentation is the picture's place. Templates that are not in the source's folder are fetched in
    mode warehouse.

    **Examples**

        nh export pictures natural_scenes frames
    """
    path = operations.export_pictures(home_folder(), stimulus, out, mode=mode, source=source)
    console.say(f"{path} written")
