"""Share of one session's whole chain that some functions take, from upstream files to embeddings.

Contains what benches of such shares have in common: the sources and sizes that they are asked for, a session of a
source in a home of its own, and the clock. What is timed, and against which aim, is each bench's own.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import SIZES, write_allen_vbn, write_allen_vc, write_ibl

WRITERS: dict[str, Callable[..., object]] = {"ibl": write_ibl, "allen_vc": write_allen_vc}
_SIMULATED = {**WRITERS, "allen_vbn": write_allen_vbn}


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
def watched(clock: Clock, functions: Iterable[str]) -> Iterator[None]:
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


@contextmanager
def one_session(source: str, size: str, also: Sequence[str] = ()) -> Iterator[tuple[SourcePlan, str]]:
    """Give a home with the upstream files of one simulated session and its catalogue, and the session's id.

    Every asset of it was made once, those on request included that ``also`` names: imports and compiled code are in
    memory.
    """
    from nh_platform.history.publishing import store_manifest

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _SIMULATED[source](folder / "upstream" / source, 1, 7, size=SIZES[size])
        lines = f"{source}:\n  read: {{mode: local, root: upstream/{source}}}\n  also_assets: [{', '.join(also)}]\n"
        (folder / "sources.yaml").write_text(lines, encoding="utf-8")
        platform = Platform(load_settings(folder))
        store_manifest(platform.store, platform.source(source).manifest(), "1")
        platform = Platform(load_settings(folder))
        (session_id,) = platform.manifest(source).session_ids
        plan = SourcePlan(platform, source)
        for name in plan.assets:
            make_session_asset(platform, source, session_id, name)
        yield plan, session_id


def share_of(plan: SourcePlan, session_id: str, functions: Iterable[str], title: str) -> float:
    """Make every asset of a session; print where some functions spend, and return their share in per cent of CPU."""
    clock, started = Clock(), time.process_time()
    with watched(clock, functions):
        for name in plan.assets:
            make_session_asset(plan.platform, plan.source, session_id, name)
    total, spent = time.process_time() - started, sum(clock.spent.values())
    print(f"{title}: {len(plan.assets)} assets in {total:.2f} CPU s, of which {spent:.3f} s")
    for name, seconds in clock.spent.most_common():
        print(f"  {name}: {seconds:.3f} s")
    return 100 * spent / total


def asked_for(description: str | None) -> argparse.Namespace:
    """Return the ``source`` and ``size`` of the command line."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0] if description else "")
    parser.add_argument("--size", choices=sorted(SIZES), default="benchmark")
    parser.add_argument("--source", choices=sorted(WRITERS), nargs="*", default=sorted(WRITERS))
    return parser.parse_args()
