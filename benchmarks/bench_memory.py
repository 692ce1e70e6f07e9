"""Peak memory of each asset of a session, at the size of one insertion and of five, under a limit.

    uv run python -m benchmarks.bench_memory [--source ibl] [--probes 1 5] [--limit-gb 4] [--home FOLDER]

Simulates an IBL session of 700 units and 11.5 M spikes on each probe (five: 58 M, as a large recording of Allen's has),
or one of Allen's with 250 units on each (``--repeats`` of all stimuli, 6 min each). Then makes each asset of it in a
process of its own whose data may not grow beyond the limit (``RLIMIT_DATA``, which counts what is mapped and never
touched, too; a process that needs more ends in a ``MemoryError``). Prints peak resident memory (``VmHWM``) and CPU
seconds of each, beside what its record states for the bytes of the session's spike files. Exit 1 where an asset needs
more than the limit.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.aims import Aims
from nh_platform import operations
from nh_platform.assets.registry import session_assets
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.peak_memory import peak_memory_gb
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import BENCHMARK, write_allen_vbn, write_allen_vc, write_ibl

SOURCE, SEED = "ibl", 7
_WRITERS = {"ibl": write_ibl, "allen_vc": write_allen_vc, "allen_vbn": write_allen_vbn}
GB = 1e9


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default=SOURCE, choices=_WRITERS)
    parser.add_argument("--repeats", type=int, default=BENCHMARK.allen_repeats, help="length of Allen's sessions")
    parser.add_argument("--probes", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--limit-gb", type=float, default=4.0)
    parser.add_argument("--home", type=Path, help="keep homes below this folder")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        home, source, name = arguments.one
        _make_one(Path(home), source, name, int(arguments.limit_gb * GB))
        return
    aims = Aims()
    with tempfile.TemporaryDirectory() as folder:
        for probes in arguments.probes:
            source = arguments.source
            home = (arguments.home or Path(folder)) / f"{source}-{probes}-probes"
            assets = session_home(home, probes, source, arguments.repeats)
            spike_bytes = float(Platform(load_settings(home)).manifest(source).spike_bytes().max())
            print(f"{source}, {probes} probes: {spike_bytes / GB:.2f} GB of spike files", flush=True)
            for name, peak, cpu_s in measure(home, assets, arguments.limit_gb, source):
                stated = peak_memory_gb([session_assets(source)[name]], spike_bytes)
                print(f"  {name}: {peak:.2f} GB, {stated:.2f} stated, {cpu_s:.1f} CPU s", flush=True)
                aims.at_most(f"  {name} of {probes} probes", peak, arguments.limit_gb, "GB")
    aims.finish()


def session_home(home: Path, probes: int, source: str = SOURCE, repeats: int = BENCHMARK.allen_repeats) -> list[str]:
    """Write a home with one session and return the names of its assets."""
    if not (home / "sources.yaml").exists():
        size = dataclasses.replace(BENCHMARK, ibl_probes=probes, allen_probes=probes, allen_repeats=repeats)
        _WRITERS[source](home / "upstream" / source, 1, SEED, size=size)
        text = f"{source}:\n  read: {{mode: local, root: upstream/{source}}}\n"
        (home / "sources.yaml").write_text(text, encoding="utf-8")
    settings = load_settings(home)
    platform = Platform(settings)
    with warnings.catch_warnings(), open_instance(settings, embedded=True) as instance:
        warnings.simplefilter("ignore")
        operations.sync(OpenHome(platform, instance), source)
    return list(SourcePlan(platform, source).assets)


def measure(home: Path, assets: list[str], limit_gb: float, source: str = SOURCE) -> list[tuple[str, float, float]]:
    """Make assets one after the other; return name, peak memory [GB] (infinite where it failed) and CPU time [s]."""
    found = []
    for name in assets:
        command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, "--one", str(home), source, name]
        ended = subprocess.run([*command, "--limit-gb", str(limit_gb)], capture_output=True, text=True, check=False)
        if ended.returncode:
            print(ended.stderr[-1500:])
            found.append((name, float("inf"), float("nan")))
            break
        said = json.loads(ended.stdout.splitlines()[-1])
        found.append((name, said["peak"] / GB, said["cpu_s"]))
        print(name, said, flush=True)
    return found


def _make_one(home: Path, source: str, name: str, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    platform = Platform(load_settings(home))
    (session_id,) = platform.manifest(source).session_ids
    make_session_asset(platform, source, session_id, name)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (peak,) = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    print(json.dumps({"peak": peak, "cpu_s": time.process_time()}))


if __name__ == "__main__":
    main()
