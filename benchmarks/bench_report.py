"""The report of a session of 700 units and 11.5 million spikes: CPU seconds, peak memory and bytes of the page.

``python benchmarks/bench_report.py [--folder FOLDER] [--size benchmark|demo|tiny]`` writes a simulated IBL session in
the upstream format, makes what the report reads, mean waveforms too, and then the report in a process of its own.
Reading the stored inputs, drawing and packing count, and importing the platform is printed beside it. Exit 1 where an
aim is missed. Add here what making a report costs; how fast its page opens is `bench_report_page`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aims import Aims

CPU_AIM_S, MEMORY_AIM_GB, PAGE_AIM_MB = 20.0, 1.5, 2.5
INPUTS = ("raw_spikes", "events", "signals", "units", "mean_waveforms")
SOURCE = "ibl"


def make_inputs(folder: Path, size: str) -> str:
    """Write the session and make what its report reads; return its id. What is there already is taken."""
    from nh_platform import operations
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import open_instance
    from nh_platform.operations.opened_home import OpenHome
    from nh_platform.planning.making import make_session_asset
    from nh_platform.simulation import SIZES, write_ibl

    if not (folder / "sources.yaml").exists():
        write_ibl(folder / "upstream", 1, 7, size=SIZES[size])
        settings = f"{SOURCE}:\n  read: {{mode: local, root: upstream}}\n  also_assets: [mean_waveforms]\n"
        (folder / "sources.yaml").write_text(settings, encoding="utf-8")
    settings = load_settings(folder)
    platform = Platform(settings)
    with open_instance(settings, embedded=True) as instance:
        operations.sync(OpenHome(platform, instance), SOURCE)
    (session_id,) = platform.manifest(SOURCE).session_ids
    for name in INPUTS:
        if platform.store.usable(SOURCE, session_id, name) is None:
            make_session_asset(platform, SOURCE, session_id, name)
    return session_id


def worker(folder: str, session_id: str) -> None:
    """Make the report, and print what it took."""
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.planning.making import make_session_asset
    from nh_platform.store.codecs.recording_files import read_spikes

    imported_s = time.process_time()
    platform = Platform(load_settings(Path(folder)))
    start = time.perf_counter()
    made = make_session_asset(platform, SOURCE, session_id, "session_report")
    cpu_s, wall_s = time.process_time() - imported_s, time.perf_counter() - start
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    page_mb = (made.folder / "report.html").stat().st_size / 1e6
    n_spikes = len(read_spikes(platform.store.folder(SOURCE, session_id, "raw_spikes")).times)
    found = {"cpu_s": cpu_s, "wall_s": wall_s, "imported_s": imported_s, "peak_gb": peak_gb, "page_mb": page_mb}
    print(json.dumps({**found, "units": made.result.shown["units"], "spikes": n_spikes}))


def main() -> None:
    """Run the benchmark, or as its worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep and reuse the session here")
    parser.add_argument("--size", default="benchmark")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        session_id = make_inputs(folder, arguments.size)
        command = [sys.executable, __file__, "--worker", str(folder), session_id]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{found['units']} units, {found['spikes'] / 1e6:.1f} M spikes, waveforms included")
    print(f"importing {found['imported_s']:.1f} CPU s, making {found['wall_s']:.1f} s of wall time")
    aims = Aims()
    aims.at_most("making the report", found["cpu_s"], CPU_AIM_S, "CPU s")
    aims.at_most("peak memory", found["peak_gb"], MEMORY_AIM_GB, "GB")
    if found["units"] <= 700:
        aims.at_most("page", found["page_mb"], PAGE_AIM_MB, "MB")
    aims.finish()


if __name__ == "__main__":
    main()
