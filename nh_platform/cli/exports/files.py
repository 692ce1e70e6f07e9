"""`nh export hdf5`, `npz`, `npy`, `parquet`: sessions in files that any program reads."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform.cli.console import SourceArgument
from nh_platform.cli.exports.running import (
    AgainOption,
    DryRunOption,
    OutOption,
    SessionsArgument,
    UnitsOption,
    export,
)
from nh_platform.cli.review.set_aside import WithSetAsideOption


def hdf5(
    source: SourceArgument,
    out: OutOption,
    sessions: SessionsArgument = None,
    units: UnitsOption = "all",
    compression: Annotated[str, typer.Option(help="gzip, or none.")] = "gzip",
    grid_hz: Annotated[float, typer.Option(help="Rows of behavior/values per second.")] = 50.0,
    stimulus: Annotated[
        str, typer.Option(help="Trials are the presentations of this stimulus, for example natural_scenes.")
    ] = "",
    again: AgainOption = False,
    with_set_aside: WithSetAsideOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write one HDF5 file per session: spikes by time, units, behaviour on one clock, trials.

    Every HDF5 reader opens it, MATLAB's too; docs/exports.md has the table of its data sets. With --stimulus,
    trials/stimulus_ids are the frames or images of that stimulus as upstream numbers them.

    **Examples**

        nh export hdf5 ibl --out unified

        nh export hdf5 allen_vc 7625 --stimulus natural_scenes --out scenes

        nh export hdf5 allen_vbn --units good --compression none --out unified
    """
    options = {"compression": compression, "grid_hz": grid_hz, "stimulus": stimulus}
    export(
        "hdf5",
        source,
        sessions,
        out,
        units,
        options=options,
        again=again,
        with_set_aside=with_set_aside,
        dry_run=dry_run,
    )


def npz(
    source: SourceArgument,
    out: OutOption,
    sessions: SessionsArgument = None,
    units: UnitsOption = "all",
    compression: Annotated[str, typer.Option(help="none, or zip.")] = "none",
    again: AgainOption = False,
    with_set_aside: WithSetAsideOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write one npz file of numpy arrays per session: spikes by unit, tables, signals.

    **Examples**

        nh export npz ibl --out arrays

        nh export npz allen_vc 7625 --units good --compression zip --out arrays
    """
    export(
        "npz",
        source,
        sessions,
        out,
        units,
        options={"compression": compression},
        again=again,
        with_set_aside=with_set_aside,
        dry_run=dry_run,
    )


def npy(
    source: SourceArgument,
    out: OutOption,
    sessions: SessionsArgument = None,
    units: UnitsOption = "all",
    again: AgainOption = False,
    with_set_aside: WithSetAsideOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write a folder of npy files per session, which are read without loading them (mmap_mode="r").

    **Examples**

        nh export npy ibl --out arrays

        nh export npy allen_vbn --units good --out arrays
    """
    export("npy", source, sessions, out, units, again=again, with_set_aside=with_set_aside, dry_run=dry_run)


def parquet(
    source: SourceArgument,
    out: OutOption,
    sessions: SessionsArgument = None,
    units: UnitsOption = "all",
    compression: Annotated[str, typer.Option(help="zstd, or none.")] = "zstd",
    again: AgainOption = False,
    with_set_aside: WithSetAsideOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write a folder of Parquet tables per session: spikes, units, trials, events, one table per signal.

    Every table begins with source and session_id, so that `out/*/*/units.parquet` is one table of all sessions.

    **Examples**

        nh export parquet ibl --out tables

        nh export parquet allen_vc --units good --compression none --out tables
    """
    export(
        "parquet",
        source,
        sessions,
        out,
        units,
        options={"compression": compression},
        again=again,
        with_set_aside=with_set_aside,
        dry_run=dry_run,
    )
