"""`nh embed population`: what population states of a session explain, and how they hold up.

Contains the command alone. What is summed up is gathered by `nh_platform.operations.embedding.population`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

if TYPE_CHECKING:
    import pandas as pd

# What is asked for stands first: a narrow terminal leaves out the last ones.
_COLUMNS = ("preset", "region", "method", "rebuilt", "shuffled", "explained", "first", "units", "fitted", "held out")


def population(
    source: Annotated[str, typer.Argument(help="Source, for example ibl.")],
    session: Annotated[str, typer.Argument(help="Session id, or its first characters.")],
    preset: Annotated[str, typer.Option(help="Window preset. Default: all of the session.")] = "",
    method: Annotated[str, typer.Option(help="pca, or fa (factor analysis). Default: both.")] = "",
    region: Annotated[str, typer.Option(help="Beryl region, or all (every good unit). Default: each.")] = "",
    format_: FormatOption = Format.table,
) -> None:
    """Show what the state of a session's population explains, and how it holds up in windows no model has seen.

    `fitted` and `held out` are windows. `first` and `explained` are shares of the variance of all units: of the first
    component, and of all of them. `rebuilt` is R² of held-out windows, each unit's rate from those of the others;
    `shuffled` the best of ten where the windows of each unit are shuffled. It reads `window_embeddings`
    (docs/embeddings.md); csv has every column.

    **Examples**

        nh embed population ibl aaf4b8ce

        nh embed population ibl aaf4b8ce --preset continuous-1s --method fa --region all
    """
    console.require_known(source, [session])
    found = operations.describe_population(home_folder(), source, session, preset=preset, method=method, region=region)
    if format_ is not Format.table:
        console.print_rows(found.fits.to_dict("records"), list(found.fits.columns), format_)
        return
    if len(found.fits):
        console.print_rows([_row(fit) for _, fit in found.fits.iterrows()], _COLUMNS, format_)
        scored = found.fits[found.fits["rebuilt"].notna()]
        better = int((scored["rebuilt"] > scored["shuffled"]).sum())
        console.say(f"{better} of {counted(len(scored), 'model')} rebuild held-out windows better than shuffled ones")
    else:
        console.say("No model was fitted.")
    for note in found.notes:
        console.say_beside("note", note)


def _row(fit: pd.Series) -> dict[str, Any]:
    explained = fit.filter(regex="^explained_").sum()
    numbers = {"first": fit["explained_1"], "explained": explained, "rebuilt": fit["rebuilt"]}
    shown = {name: "-" if value != value else f"{value:.3f}" for name, value in numbers.items()}
    shuffled = "-" if fit["shuffled"] != fit["shuffled"] else f"{fit['shuffled']:.3f}"
    counts = {"units": int(fit["n_units"]), "fitted": int(fit["n_fit"]), "held out": int(fit["n_held_out"])}
    key = {name: fit[name] for name in ("preset", "region", "method")}
    return {**key, **counts, **shown, "shuffled": shuffled}
