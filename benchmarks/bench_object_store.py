"""A store of many sessions in a bucket: how long a process needs to learn the state of all, and how many requests.

Run ``python benchmarks/bench_object_store.py --sessions 1000``. The bucket is moto's server in this
process, which sorts all keys for every listing: what counts are the requests; times are the server's.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nh_platform.store import Provenance, Store, data_version
from nh_platform.store.objects import mirror
from nh_platform_tests.loopback.object_store import BUCKET, serve_objects

ASSETS = ("raw_spikes", "events", "signals", "units", "windows", "unit_embeddings", "session_report")
PREFIX = "bench/store"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000)
    arguments = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, serve_objects() as server:
        os.environ.update(server.environment(Path(folder) / "cache"))
        asked = counted_requests()
        fill(server.client, Path(folder) / "disk", arguments.sessions)
        for name in ("first look", "nothing changed", "again in this process"):
            if name != "again in this process":
                mirror._mirror.cache_clear()
            asked.clear()
            wall, cpu = time.perf_counter(), time.process_time()
            store = Store(f"s3://{BUCKET}/{PREFIX}")
            states = [
                store.state("ibl", session, asset)
                for session in store.sessions("ibl")
                for asset in store.published("ibl", session)
            ]
            assert len(states) == arguments.sessions * len(ASSETS)
            assert all(one.data_version for one in states)
            print(
                f"{name}: {len(states)} assets in {time.perf_counter() - wall:.1f} s, "
                f"{time.process_time() - cpu:.1f} CPU s with the server's; {dict(asked)}",
                flush=True,
            )


def fill(client: Any, folder: Path, n_sessions: int) -> None:
    """Make a store on the disk and copy it into the bucket, as ``aws s3 sync`` does."""
    store = Store(folder)
    for number in range(n_sessions):
        for asset in ASSETS:
            record = Provenance(
                asset=asset,
                source="ibl",
                session_id=f"session{number:05d}",
                data_version=data_version(asset, {}, {"number": str(number)}),
                code_version="1",
            )
            place = store.asset_folder("ibl", record.session_id, asset)
            if number == 0:
                with store.publish(record) as version:
                    (version / "data.bin").write_bytes(bytes(1000))
                continue
            # Written without syncing each file to the disk, which would take longer than all the rest.
            from nh_platform.store.hashing import hash_folder
            from nh_platform.store.sealed import seal_lines

            version = place / record.data_version[:16]
            version.mkdir(parents=True)
            (version / "data.bin").write_bytes(bytes(1000))
            (version / "provenance.json").write_bytes(
                record.model_copy(update={"files": hash_folder(version)}).to_bytes()
            )
            (place / "current").write_bytes(seal_lines([version.name]))
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]

    def put(path: Path) -> None:
        client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{path.relative_to(folder).as_posix()}", Body=path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, files))
    print(f"{n_sessions} sessions, {len(files)} objects", flush=True)


def counted_requests() -> Counter[str]:
    """Count the requests of boto3 by their name from now on."""
    from botocore.client import BaseClient

    asked: Counter[str] = Counter()
    call = BaseClient._make_api_call

    def counted(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        asked[operation] += 1
        return call(self, operation, arguments)

    BaseClient._make_api_call = counted  # type: ignore[method-assign]
    return asked


if __name__ == "__main__":
    main()
