"""How the toy lab's recordings are registered: named by the entry point ``toy = toy_lab.entry:ENTRY``.

Add nothing that reads data: the platform imports this module whenever its definitions load.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nh_platform.sources.entry import EventTimes, SourceEntry
from nh_platform.sources.source import Source


def _open(read: Mapping[str, Any], home: Path) -> Source:
    from toy_lab.source import ToySource

    return ToySource(home / read.get("root", "upstream/toy"))


ENTRY = SourceEntry(
    name="toy",
    title="Toy Lab",
    description="Recordings of the toy lab, read from its ALF folders.",
    open=_open,
    rulebook=str(Path(__file__).with_name("toy-lab.yaml")),
    also_rulebooks=("nh-common",),
    presets=("continuous-1s", "stim-halves-500ms"),
    upstream_format="alf",
    events={"stimulus onset": EventTimes("presentations", "start_time"), "lick": EventTimes("licks", "times")},
)
