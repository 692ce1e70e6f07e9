"""`nh export stimulus` and `nh export pictures`: responses per stimulus type, and what was shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder
from nh_platform.session import ConfigError
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.exports.stimulus.compare import Comparison


def stimulus(
    stimulus: Annotated[str | None, typer.Argument(help="Stimulus type, for example natural_movie_one.")] = None,
    structure: Annotated[str | None, typer.Argument(help="Structure acronym, for example VISp.")] = None,
    out: Annotated[Path | None, typer.Argument(help="Folder to write into.")] = None,
    data: Annotated[
        str | None, typer.Option(help="spike_data (what is exported by default), speed or pupil_data.")
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="exact (default), or mlynarski-compat for that data set's conventions (default of --compare)."
        ),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="Only sessions that were shown the stimulus under this name.")
    ] = None,
    dims: Annotated[
        str | None, typer.Option(help="Order of the axes, for example unit,time,presentation.", metavar="AXES")
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(help="Write nothing; say what differs from this clone of the published set.", metavar="FOLDER"),
    ] = None,
    source: Annotated[str, typer.Option(help="Source; by default the first that has stimulus tensors.")] = "",
) -> None:
    """Write one npy per session: units × presentations × time, in bins of 20 ms.

    Speed is presentations × time, pupil data variables × presentations × time; --dims takes any other order. The json
    beside the arrays names the axes in their order, and units, presentations and times. The asset `stimulus_files` is
    made first where it is missing or older than the tensors.

    natural_movie_one holds the sessions of natural_movie_one_more_repeats too, the same movie shown more often: the
    command says how many of each, the json which session is which, and --variant takes one of them.

    With --compare every array of the sessions that both have is held against a clone of the Mlynarski group's data set,
    of one stimulus, structure or kind of data where these are given. The command ends with 0 where all are equal, with
    1 where presentations, units, bins or cells differ or a file of the clone was not fetched. --dims says the order of
    axes of arrays there that do not say it.

    **Examples**

        nh export stimulus natural_movie_one VISp npy

        nh export stimulus natural_movie_one VISp npy --variant natural_movie_one --dims unit,time,presentation

        nh export stimulus drifting_gratings VISl npy --data speed --mode mlynarski-compat

        nh export stimulus --compare Allen_visual_neuropixel_data_binned

        nh export stimulus natural_scenes VISp --compare Allen_visual_neuropixel_data_binned
    """
    if compare is not None:
        if out is not None or variant is not None:
            left = "OUT" if out is not None else "--variant"
            raise ConfigError("nh export stimulus --compare", f"{left} does nothing there", f"Leave {left} out.")
        found = operations.compare_stimulus(
            home_folder(),
            compare,
            stimulus=stimulus,
            structure=structure,
            data=data,
            mode=mode or "mlynarski-compat",
            dims=dims,
            source=source,
            on_progress=lambda step: console.say(step.what),
        )
        _print_comparison(found, compare)
        raise typer.Exit(0 if found.equal else 1)
    if stimulus is None or structure is None or out is None:
        missing = "STIMULUS" if stimulus is None else "STRUCTURE" if structure is None else "OUT"
        action = "Give STIMULUS, STRUCTURE and OUT, or --compare FOLDER."
        raise ConfigError("nh export stimulus", f"{missing} is missing", action)
    written = operations.export_stimulus(
        home_folder(),
        stimulus,
        structure,
        out,
        data=data or "spike_data",
        mode=mode or "exact",
        variant=variant,
        dims=dims,
        source=source,
        on_progress=lambda step: console.say(step.what),
    )
    console.say(f"{counted(len(written.files), 'session')} of {stimulus} in {structure} written to {escape(str(out))}")
    if written.shown_as:
        console.say(
            "shown as "
            + ", ".join(f"{name}: {counted(number, 'session')}" for name, number in written.shown_as.items())
        )
    if not written.files:
        console.err.print(f"no session has {data or 'spike_data'} for it")


def _print_comparison(found: Comparison, folder: Path) -> None:
    for path in found.pointers:
        name = path.relative_to(folder)
        fetch = f"run `datalad get {name}` or `git annex get {name}` in {folder}"
        console.say(escape(f"{name}: its content was not fetched; {fetch}"))
    for line in found.not_compared:
        console.say(escape(f"not compared: {line}"))
    for order, number in sorted(found.orders.items()):
        console.say(f"{counted(number, 'array of spikes there is', 'arrays of spikes there are')} {order}")
    for difference in found.differences:
        console.say(escape(f"{difference.where}: {difference.what}"))
    if found.differences:
        console.say(f"{counted(len(found.differences), 'difference')} in {counted(found.arrays, 'array')}")
        if mode := found.agrees_with:
            console.say(f"nothing differs from ours of mode {mode}: add `--mode {mode}`")
    elif found.arrays:
        rest = (
            f"; {len(found.not_compared)} times one side alone has something, named above" if found.not_compared else ""
        )
        console.say(f"{found.arrays} arrays are equal{rest}")
    else:
        console.say("nothing was compared")


def pictures(
    stimulus: Annotated[str, typer.Argument(help="natural_scenes, natural_movie_one or natural_movie_three.")],
    out: Annotated[Path, typer.Argument(help="Folder to write into.")],
    mode: Annotated[str, typer.Option(help="exact, or mlynarski-compat for that data set's grey levels.")] = "exact",
    source: Annotated[str, typer.Option(help="Source; by default the first that has stimulus tensors.")] = "",
) -> None:
    """Write every picture of a stimulus into one file: frame × y × x, grey levels 0-255.

    The frame of a presentation is the picture's place. Templates that are not in the source's folder are fetched in
    the modes warehouse and s3.

    **Examples**

        nh export pictures natural_scenes frames
    """
    path = operations.export_pictures(home_folder(), stimulus, out, mode=mode, source=source)
    console.say(f"{escape(str(path))} written")
