"""What notes and checks at the door cost: their share of a session's CPU seconds, from upstream files to embeddings.

Contains one run per source that makes every asset of a session of the size of a real insertion and times, within it,
the functions that find and note what is implausible, damaged, short, long, NaN, unsorted or outside of the recorded
time. Add a function to `DOOR` when the door learns to look at one more thing.

Run: ``python -m benchmarks.bench_door`` (3 minutes, 2 GB); ``--size demo`` for a small session.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from benchmarks.aims import Aims
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import SIZES, write_allen_vc, write_ibl

AIM_PERCENT = 3.0
WRITERS: dict[str, Callable[..., object]] = {"ibl": write_ibl, "allen_vc": write_allen_vc}
DOOR = (
    "nh_platform.session.recorded_time:find_recorded_time",
    "nh_platform.session.recorded_time:spikes_of_recording",
    "nh_platform.session.recording:unknown_values",
    "nh_platform.qc.gate:gate_of",
    "nh_platform.qc.plausibility:unusable_probes",
    "nh_platform.qc.plausibility:implausible_volts",
    "nh_platform.windows.binning:check_sorted",
    "nh_platform.windows.presentations.faulty_rows:faulty_rows",
    "nh_platform.sources.ibl.session.trials:_within_trials",
    "nh_platform.sources.ibl.session.verified_files:OpenFiles.in_time_order",
    "nh_platform.sources.allen.nwb.stimulus_presentations:_timed",
    "nh_platform.exports.stimulus.signals_at_bins:gap_notes",
)
"""Functions of the door, ``module:name`` or ``module:class.name``."""


class Clock:
    """CPU seconds within functions, the outermost one counting where they call each other."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._inside = False

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the time that it takes added up under ``name``."""

        @wraps(function)
        def run(*given: Any, **by: Any) -> Any:
            if self._inside:
                return function(*given, **by)
            self._inside, started = True, time.process_time()
            try:
                return function(*given, **by)
            finally:
                self._inside = False
                self.spent[name] += time.process_time() - started

        return run


@contextmanager
def watched(clock: Clock, functions: Iterable[str] = DOOR) -> Iterator[None]:
    """Time functions, ``module:name`` or ``module:class.name``, under whatever name a module holds them."""
    put_back: list[tuple[Any, str, Any]] = []
    for where in functions:
        module, _, name = where.partition(":")
        owner: Any = importlib.import_module(module)
        *classes, attribute = name.split(".")
        for one in classes:
            owner = getattr(owner, one)
        function = getattr(owner, attribute)
        new = clock.timed(name, function)
        holders = [owner] if classes else [held for key, held in sys.modules.items() if key.startswith("nh_platform")]
        for holder in holders:
            for held_as in [key for key, value in vars(holder).items() if value is function]:
                put_back.append((holder, held_as, function))
                setattr(holder, held_as, new)
    try:
        yield
    finally:
        for holder, held_as, function in put_back:
            setattr(holder, held_as, function)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=sorted(SIZES), default="benchmark")
    parser.add_argument("--source", choices=sorted(WRITERS), nargs="*", default=sorted(WRITERS))
    asked = parser.parse_args()
    aims = Aims()
    for source in asked.source:
        with tempfile.TemporaryDirectory() as folder:
            share = measure(Path(folder), source, asked.size)
        aims.at_most(f"{source}: notes and checks at the door", share, AIM_PERCENT, "% of CPU")
    aims.finish()


def one_session(folder: Path, source: str, size: str) -> tuple[Platform, str]:
    """Return a home with the upstream files of one simulated session and its catalogue, and the session's id."""
    from nh_platform.history.publishing import store_manifest

    WRITERS[source](folder / "upstream" / source, 1, 7, size=SIZES[size])
    lines = f"{source}:\n  read: {{mode: local, root: upstream/{source}}}\n"
    (folder / "sources.yaml").write_text(lines, encoding="utf-8")
    platform = Platform(load_settings(folder))
    store_manifest(platform.store, platform.source(source).manifest(), "1")
    platform = Platform(load_settings(folder))
    (session_id,) = platform.manifest(source).session_ids
    return platform, session_id


def measure(folder: Path, source: str, size: str) -> float:
    """Make every asset of one session; print where the door spends, and return its share in per cent."""
    platform, session_id = one_session(folder, source, size)
    assets = SourcePlan(platform, source).assets
    for name in assets:  # once unwatched: imports and compiled code
        make_session_asset(platform, source, session_id, name)
    clock, started = Clock(), time.process_time()
    with watched(clock):
        for name in assets:
            make_session_asset(platform, source, session_id, name)
    total = time.process_time() - started
    spent = sum(clock.spent.values())
    print(f"{source}, size {size}: {len(assets)} assets in {total:.2f} CPU s, of which {spent:.3f} s at the door")
    for name, seconds in clock.spent.most_common():
        print(f"  {name}: {seconds:.3f} s")
    return 100 * spent / total


if __name__ == "__main__":
    main()
