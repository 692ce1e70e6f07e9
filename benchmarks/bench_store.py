"""What hashes of stored files cost: their share of a session's CPU seconds, and how fast `nh verify` reads.

Contains one run per source that makes every asset of a session of the size of a real insertion into an empty store, and
then verifies it several times with a warm page cache. Add to `HASHES` when the store hashes in one more place.

Run: ``python -m benchmarks.bench_store`` (3 minutes, 2 GB); ``--size demo`` for a small session.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.aims import Aims
from benchmarks.bench_door import WRITERS, Clock, one_session, watched
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.verification import verify
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import SIZES

AIM_PERCENT, AIM_MB_S = 5.0, 400.0
HASHES = (
    "nh_platform.store.file_hashes:hash_folder",
    "nh_platform.store.file_hashes:verified",
    "nh_platform.store.file_hashes:require_intact",
    "nh_platform.store.file_hashes:problems",
    "nh_platform.store.file_hashes:read_record",
    "nh_platform.store.sealed:seal_json",
    "nh_platform.store.sealed:unseal_lines",
)
N_VERIFIED = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=sorted(SIZES), default="benchmark")
    parser.add_argument("--source", choices=sorted(WRITERS), nargs="*", default=sorted(WRITERS))
    asked = parser.parse_args()
    aims = Aims()
    for source in asked.source:
        with tempfile.TemporaryDirectory() as folder:
            share, speed = measure(Path(folder), source, asked.size)
        aims.at_most(f"{source}: hashes of stored files", share, AIM_PERCENT, "% of CPU")
        aims.at_least(f"{source}: nh verify, warm page cache", speed, AIM_MB_S, "MB/s")
    aims.finish()


def measure(folder: Path, source: str, size: str) -> tuple[float, float]:
    """Make every asset of one session; return the share of hashes in per cent, and the median MB/s of verifying it."""
    platform, session_id = one_session(folder, source, size)
    assets = SourcePlan(platform, source).assets
    for name in assets:  # once unwatched: imports and compiled code
        make_session_asset(platform, source, session_id, name)
    shutil.rmtree(platform.store.root / source / session_id)
    clock, started = Clock(), time.process_time()
    with watched(clock, HASHES):
        for name in assets:
            make_session_asset(platform, source, session_id, name)
    total, spent = time.process_time() - started, sum(clock.spent.values())
    print(f"{source}, size {size}: {len(assets)} assets in {total:.2f} CPU s, of which {spent:.3f} s for hashes")
    for name, seconds in clock.spent.most_common():
        print(f"  {name}: {seconds:.3f} s")
    speeds = []
    for _ in range(N_VERIFIED):
        began = time.perf_counter()
        found = verify(platform.store, [source], [session_id])
        speeds.append(found.n_bytes / 1e6 / (time.perf_counter() - began))
        assert found.damages == ()
    print(f"  verified {found.n_files} files, {found.n_bytes / 1e6:.0f} MB: {[round(one) for one in speeds]} MB/s")
    return 100 * spent / total, statistics.median(speeds)


if __name__ == "__main__":
    main()
