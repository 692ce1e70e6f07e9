"""`nh export`: what the store holds, in layouts that other tools read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli import console

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import PlatformSettings

app = typer.Typer(no_args_is_help=True, help="Writes what the store holds in layouts that other tools read.")


@app.callback()
def _group() -> None:
    """Keep `nh export stimulus` a command of a group while it is the only one."""


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
    from nh_platform.assets.across_sessions.stimulus_files import ASSET, TENSORS
    from nh_platform.exports.stimulus import check_mode, export_npy, shown_names
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.sources.registry import sources
    from nh_platform.store.layout import SOURCE_WIDE

    chosen = check_mode(mode)
    source = source or next(name for name, entry in sources().items() if TENSORS in entry.extra_assets)
    settings = load_settings()
    platform = Platform(settings)
    bring_up_to_date(settings, platform, source)
    files = platform.store.folder(source, SOURCE_WIDE, ASSET.name)
    written = export_npy(files, stimulus, structure, out, data, chosen, variant)
    console.say(f"{len(written)} sessions of {stimulus} in {structure} written to {out}")
    names = shown_names(files / chosen, stimulus)
    if len(set(names.values())) > 1:
        exported = Counter(names[path.name.split("-")[0]] for path in written)
        console.say("shown as " + ", ".join(f"{name}: {number} sessions" for name, number in sorted(exported.items())))
    if not written:
        console.err.print(f"no session has {data} for it")


def bring_up_to_date(settings: PlatformSettings, platform: Platform, source: str) -> None:
    """Materialize `stimulus_files` of a source in this process where the tensors in the store ask for it.

    Raises
    ------
    ConfigError
        If the source has no stimulus tensors.
    StoreError
        If they cannot be joined; the text says why.
    """
    import dagster as dg

    from nh_platform.assets.across_sessions.stimulus_files import ASSET, TENSORS
    from nh_platform.cli.runs import errors_of
    from nh_platform.defs.source_assets import build_source_asset
    from nh_platform.operations.instance import open_instance
    from nh_platform.planning.versions import expected_source_asset
    from nh_platform.session import ConfigError, StoreError
    from nh_platform.sources.registry import source_entry
    from nh_platform.store.layout import SOURCE_WIDE

    entry = source_entry(source)
    if TENSORS not in entry.extra_assets:
        raise ConfigError(f"source {source}", "it has no stimulus tensors", "Leave --source out.")
    expected = expected_source_asset(platform, source, ASSET)
    if not expected.inputs:
        raise StoreError(
            f"source {source}",
            f"no session in {platform.store.root} has {TENSORS}",
            f"Run `nh materialize {source} --missing`.",
        )
    stored = platform.store.provenance(source, SOURCE_WIDE, ASSET.name)
    if stored is not None and stored.data_version == expected.data_version:
        return
    console.say(f"joining the tensors of {len(expected.inputs)} sessions")
    with open_instance(settings) as instance:
        result = dg.materialize(
            [build_source_asset(entry, platform, ASSET)],
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if not result.success:
        raise StoreError(
            f"{source} {ASSET.name}", "; ".join(errors_of(result)), "Correct it and run the command again."
        )
