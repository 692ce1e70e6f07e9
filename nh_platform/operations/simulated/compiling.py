"""What a fresh installation compiles at its first session, compiled beforehand on small simulated ones.

Contains the process that makes them and the counting. Which functions are compiled is told by what assets use: nothing
is listed here. ``python -m nh_platform.operations.simulated.compiling FOLDER SOURCE…`` is that process; it has a home
of its own, and nothing of the environment that leads to another store.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nh_platform.session import ConfigError

_SAID = re.compile(r"^compiled (\d+) in ([\d.]+) s$", re.MULTILINE)
_KEPT = ("NH_REFERENCE",)
_SEED = 1


@dataclass(frozen=True)
class Compiled:
    """What was compiled.

    Parameters
    ----------
    functions
        Number of compilations: one for each function and types of its arguments.
    seconds
        How long they took [s].
    """

    functions: int
    seconds: float


def compile_beforehand(sources: Sequence[str] = ()) -> Compiled:
    """Make a small simulated session of each source in a temporary folder, so that what assets use is compiled.

    Code is stored where numba keeps it: beside the package, or in ``NUMBA_CACHE_DIR``.

    Parameters
    ----------
    sources
        Names of sources that have a simulation; all of them where empty.

    Raises
    ------
    ConfigError
        If a session could not be made; with the last line that was said.
    """
    from nh_platform.operations.simulated.simulated_sources import simulated_sources

    environment = {k: v for k, v in os.environ.items() if not k.startswith("NH_") or k in _KEPT}
    environment.pop("DAGSTER_HOME", None)
    with tempfile.TemporaryDirectory(prefix="nh-compile-") as folder:
        command = [sys.executable, "-m", __name__, folder, *(sources or simulated_sources())]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = _SAID.search(done.stdout)
    if done.returncode or found is None:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["nothing was said"]
        raise ConfigError("nh doctor --warm", last[0], "Run `nh demo`, which does the same and says more.")
    return Compiled(int(found[1]), float(found[2]))


@contextmanager
def told_compilations() -> Iterator[None]:
    """Print behind the block how many functions were compiled in it, and in how many seconds."""
    from numba.core import event

    taken, counted = event.TimingListener(), event.RecordingListener()
    with event.install_listener("numba:compile", taken), event.install_listener("numba:compile", counted):
        yield
    compiled = sum(one.is_start for _, one in counted.buffer)
    print(f"compiled {compiled} in {taken.duration if compiled else 0.0:.2f} s")


def main(arguments: Sequence[str]) -> None:
    """Make the sessions, and print how many functions were compiled and in how many seconds."""
    from nh_platform.history.publishing import store_manifest
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.simulated.simulated_sources import write_simulated
    from nh_platform.planning.making import make_session_asset
    from nh_platform.planning.versions import SourcePlan
    from nh_platform.simulation import TINY
    from nh_platform.sources.registry import sources as served

    warnings.simplefilter("ignore")
    home, named = Path(arguments[0]), arguments[1:]
    lines = []
    for source in named:
        write_simulated(source, home / "upstream" / source, 1, _SEED, TINY)
        also = ", ".join(sorted(served()[source].assets_on_request))
        lines += [
            f"{source}:",
            "  read:",
            "    mode: local",
            f"    root: upstream/{source}",
            f"  also_assets: [{also}]",
        ]
    (home / "sources.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with told_compilations():
        for source in named:
            platform = Platform(load_settings(home))
            store_manifest(platform.store, platform.source(source).manifest(), "1")
            platform = Platform(load_settings(home))
            for session_id in platform.manifest(source).session_ids:
                for asset in SourcePlan(platform, source).assets:
                    make_session_asset(platform, source, session_id, asset)


if __name__ == "__main__":
    main(sys.argv[1:])
