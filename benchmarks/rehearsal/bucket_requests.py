"""Requests that a session asks of the bucket in which its store lies, counted at the client by moto's server.

    uv run python -m benchmarks.rehearsal.bucket_requests [--source ibl] [--result FILE]

Makes two small sessions of each source, and counts the requests of the second in a process that knows nothing of the
bucket, as a run begins. Sizes matter only above 64 MB, where a file goes in parts: the projection adds those.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.bench_object_store import counted_requests
from benchmarks.rehearsal.record import stamp, write_json
from benchmarks.scale.assumed import read_assumed
from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.operations.simulated.simulated_sources import write_simulated
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import SIZES
from nh_platform.store.objects import mirror
from nh_platform_tests.loopback.object_store import BUCKET, serve_objects

_READS = ("GetObject", "HeadObject")
_FREE = ("DeleteObject", "DeleteObjects", "AbortMultipartUpload")


def main() -> None:
    """Count, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sources = tuple(read_assumed().releases)
    parser.add_argument("--source", nargs="*", choices=sources, default=sources)
    parser.add_argument("--result", type=Path, help="JSON file for python -m benchmarks.scale")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    asked, found = counted_requests(), {}
    for source in arguments.source:
        found[source] = requests_of(source, asked)
        print(f"{source}: {found[source]}", flush=True)
    if arguments.result:
        write_json(arguments.result, {**stamp(), "sources": found})


def requests_of(source: str, asked: Counter[str]) -> dict[str, Any]:
    """Return the requests of one small session, by kind and by name."""
    with tempfile.TemporaryDirectory() as folder, serve_objects() as server:
        home = Path(folder) / "home"
        write_simulated(source, home / "upstream" / source, 2, 7, SIZES["tiny"])
        text = f"{source}:\n  read: {{mode: local, root: upstream/{source}}}\n"
        (home / "sources.yaml").write_text(text, encoding="utf-8")
        os.environ.update(server.environment(Path(folder) / "cache"))
        os.environ["NH_STORE"] = f"s3://{BUCKET}/store"
        try:
            settings = load_settings(home)
            with open_instance(settings, embedded=True) as instance:
                operations.sync(OpenHome(Platform(settings), instance), source)
            for session in Platform(settings).manifest(source).session_ids:
                mirror._mirror.cache_clear()
                asked.clear()
                platform = Platform(settings)
                for name in SourcePlan(platform, source).assets:
                    make_session_asset(platform, source, session, name)
        finally:
            del os.environ["NH_STORE"]
    reads = sum(asked[name] for name in _READS)
    writes = sum(count for name, count in asked.items() if name not in (*_READS, *_FREE))
    return {"writes": writes, "reads": reads, "by_name": dict(asked)}


if __name__ == "__main__":
    main()
