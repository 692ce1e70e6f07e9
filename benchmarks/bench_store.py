"""What hashes of stored files cost: their share of a session's CPU seconds, and how fast `nh verify` reads.

Contains one run per source that makes every asset of a session of the size of a real insertion into an empty store, and
then verifies it several times with a warm page cache. Add to `HASHES` when the store hashes in one more place.

Run: ``python -m benchmarks.bench_store`` (3 minutes, 2 GB); ``--size demo`` for a small session.
"""

from __future__ import annotations

import shutil
import statistics
import time

from benchmarks.aims import Aims
from benchmarks.chain_shares import asked_for, one_session, share_of
from nh_platform.planning.verification import verify
from nh_platform.planning.versions import SourcePlan

AIM_PERCENT, AIM_MB_S = 5.0, 400.0
HASHES = (
    "nh_platform.store.hashing:hash_folder",
    "nh_platform.store.file_hashes:verified",
    "nh_platform.store.file_hashes:require_intact",
    "nh_platform.store.file_hashes:problems",
    "nh_platform.store.file_hashes:read_record",
    "nh_platform.store.sealed:seal_json",
    "nh_platform.store.sealed:unseal_lines",
)
N_VERIFIED = 5


def main() -> None:
    asked, aims = asked_for(__doc__), Aims()
    for source in asked.source:
        with one_session(source, asked.size) as (plan, session_id):
            shutil.rmtree(plan.platform.store.root / source / session_id)
            share = share_of(plan, session_id, HASHES, f"{source}, size {asked.size}, hashes")
            speed = speed_of_verifying(plan, session_id)
        aims.at_most(f"{source}: hashes of stored files", share, AIM_PERCENT, "% of CPU")
        aims.at_least(f"{source}: nh verify, warm page cache", speed, AIM_MB_S, "MB/s")
    aims.finish()


def speed_of_verifying(plan: SourcePlan, session_id: str) -> float:
    """Return the median speed [MB/s] at which the stored files of a session are verified."""
    speeds = []
    for _ in range(N_VERIFIED):
        began = time.perf_counter()
        found = verify(plan.platform.store, [plan.source], [session_id])
        speeds.append(found.n_bytes / 1e6 / (time.perf_counter() - began))
        assert found.damages == ()
    print(f"  verified {found.n_files} files, {found.n_bytes / 1e6:.0f} MB: {[round(one) for one in speeds]} MB/s")
    return statistics.median(speeds)


if __name__ == "__main__":
    main()
