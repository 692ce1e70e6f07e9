"""`nh review export`: our decisions on units for SpikeInterface and phy.

Contains the command alone. What it does is `nh_platform.operations.reviewing.label_export`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import SessionArgument, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted


class CurationFormat(StrEnum):
    """Formats that decisions are written in."""

    spikeinterface = "spikeinterface"
    phy = "phy"


class FailedUnit(StrEnum):
    """What a failed unit is called."""

    mua = "mua"
    noise = "noise"


def export(
    source: SourceArgument,
    session: SessionArgument,
    out: Annotated[Path, typer.Option("--out", help="A .json file of SpikeInterface; for phy a folder.")],
    form: Annotated[CurationFormat, typer.Option("--format", help="Layout.")] = CurationFormat.spikeinterface,
    rulebook: Annotated[
        str | None, typer.Option(help="Rulebook that decides, by id; the active one if none.", show_default=False)
    ] = None,
    fail_as: Annotated[FailedUnit, typer.Option(help="What failed units are called.")] = FailedUnit.mua,
    probe: Annotated[str | None, typer.Option(help="That probe alone.", show_default=False)] = None,
    by_cluster: Annotated[
        bool, typer.Option("--by-cluster", help="SpikeInterface: cluster ids, a file PROBE.json in --out per probe.")
    ] = False,
    remove_failed: Annotated[
        bool, typer.Option("--remove-failed", help="SpikeInterface: also list failed units as removed.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that hold something else, a person's labels among them.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
) -> None:
    """Write the decisions on units for SpikeInterface or phy.

    A unit that passes the rulebook, reviews included, is `good`; all others are `mua`, or `noise` by `--fail-as`: a
    rulebook does not tell the two apart. Counted reviews are beside it as `nh_review`, pass or fail.

    SpikeInterface gets a curation of format 2 for the units of `session.to_spikeinterface()`; phy gets
    `PROBE/cluster_group.tsv` by cluster id. Both are read back by `nh review import`.

    **Examples**

        nh review export ibl aaf4 --out curation.json

        nh review export ibl aaf4 --format phy --out curated --fail-as noise

        nh review export ibl aaf4 --by-cluster --probe probe00 --out curated --dry-run
    """
    done = operations.export_decisions(
        home_folder(),
        source,
        session,
        out,
        form.value,  # type: ignore[arg-type]  # one of the two
        rulebook=rulebook,
        fail_as=fail_as.value,  # type: ignore[arg-type]  # one of the two
        probe=probe,
        by_cluster=by_cluster,
        remove_failed=remove_failed,
        overwrite=overwrite,
        dry_run=dry_run,
    )
    state = "would be written" if dry_run else "written"
    for path in done.written:
        console.say(escape(f"{state}: {path}"))
    rest = done.n_units - done.n_good
    console.say(
        escape(
            f"{counted(done.n_units, 'unit')} by {done.rulebook}: {done.n_good} good, {rest} {fail_as.value}; reviews "
            f"count for {done.n_reviewed}"
        )
    )
