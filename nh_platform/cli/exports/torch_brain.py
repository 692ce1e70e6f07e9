"""`nh export torch-brain`: sessions as recordings that torch_brain opens.

Add an option here that the layout has.
"""

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


def torch_brain(
    source: SourceArgument,
    out: OutOption,
    sessions: SessionsArgument = None,
    units: UnitsOption = "all",
    split: Annotated[
        str,
        typer.Option(help="causal (80/10/10 of the time, 20 s between), task, none, or training-set:NAME."),
    ] = "causal",
    unit_index: Annotated[
        str, typer.Option(help="int64, or int32, which makes files a sixth smaller.", metavar="TYPE")
    ] = "int64",
    again: AgainOption = False,
    with_set_aside: WithSetAsideOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write sessions as recordings of torch_brain 0.2.1, one HDF5 file each, in a folder per source.

    OUT/SOURCE/SESSION.h5 holds spikes, units with region, label and the verdict of every rule, trials and
    presentations, behaviour on even grids, the recorded time without what is invalid, and the split domains. Times are
    seconds, amplitudes volts, depths micrometres. OUT/nh_dataset.py is the data set to open them with: torch_brain's
    own ignores the split. Every file is checked for what torch_brain lets pass in silence, before and after it is
    written. docs/exports.md says what is in a file.

    A split is within the session: causal divides the recorded time, task the time of its trials (40/20/40), and
    training-set:NAME takes that of a training set, whose animals or stretches are divided there. More sources may go
    into one OUT, and an export that was stopped goes on.

    **Examples**

        nh export torch-brain ibl --out recordings

        nh export torch-brain allen_vbn 1041525112 --out recordings --units good

        nh export torch-brain ibl --out recordings --split training-set:demo

        nh export torch-brain allen_vc --out recordings --split none --unit-index int32
    """
    export(
        "torch-brain",
        source,
        sessions,
        out,
        units,
        options={"split": split, "unit_index": unit_index},
        again=again,
        with_set_aside=with_set_aside,
        dry_run=dry_run,
    )
