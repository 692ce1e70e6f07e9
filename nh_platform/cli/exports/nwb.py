"""`nh export nwb`: sessions as NWB files, one each."""

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


def nwb(
    source: SourceArgument,
    out: OutOption,
    sessions: SessionsArgument = None,
    units: UnitsOption = "all",
    spikes: Annotated[
        str, typer.Option("--spikes", help="valid, or all: spikes in invalid time too, which NWB's checks object to.")
    ] = "valid",
    compression: Annotated[
        str, typer.Option("--compression", help="none, or gzip: half the size, several times the time.")
    ] = "none",
    again: AgainOption = False,
    with_set_aside: WithSetAsideOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write sessions as NWB files, under IBL's and Allen's names where the meaning is the same.

    One file per session, OUT/sub-SUBJECT/sub-SUBJECT_ses-SESSION_desc-processed_behavior+ecephys.nwb as on DANDI, of
    plain NWB types: units with spike times, quality metrics and the verdict of every rule, electrodes, trials,
    presentations, behavior, and the body parts and mean waveforms where they are stored. What a session lacks, and what
    had to be assumed (the time of day of its start), is said. docs/exports.md says what is where.

    **Examples**

        nh export nwb ibl --out nwb

        nh export nwb allen_vc 762548575 --units good --out nwb

        nh export nwb allen_vbn 1041525112 --compression gzip --out nwb
    """
    options = {"spikes": spikes, "compression": compression}
    export(
        "nwb",
        source,
        sessions,
        out,
        units,
        options=options,
        again=again,
        with_set_aside=with_set_aside,
        dry_run=dry_run,
    )
