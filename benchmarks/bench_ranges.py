"""What comes of a session's NWB file when it is read by ranges, against the whole file: bytes and requests by asset.

Contains one run per Allen source: a simulated session of the size of a real one in moto's bucket, every asset that
reads upstream made of it with ``ranges: true``, and each answer counted. What it prints are the coefficients
``ranges`` of ``nh_platform/planning/measured_sizes.yaml``, by which `nh backfill --dry-run` estimates. Times of a
server on loopback would say nothing of a network and are not printed.

Run: ``python -m benchmarks.bench_ranges`` (3 minutes, 3 GB); ``--size tiny`` for a look.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nh_platform.assets.registry import ancestors
from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.session_sizes import session_size
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import SIZES, write_allen_vbn, write_allen_vc
from nh_platform_tests.sources.allen.vbn_bucket import serve_bucket
from nh_platform_tests.sources.allen.vc_bucket import serve_coding_bucket

SEED = 2022
WRITERS: dict[str, Callable[..., object]] = {"allen_vc": write_allen_vc, "allen_vbn": write_allen_vbn}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=sorted(SIZES), default="benchmark")
    parser.add_argument("--source", choices=sorted(WRITERS), nargs="*", default=sorted(WRITERS))
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for source in asked.source:
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            WRITERS[source](Path(folder) / "upstream", 1, SEED, size=SIZES[asked.size])
            with served(source, Path(folder) / "upstream", patch) as read:
                measure(source, Path(folder) / "home", read, patch)


@contextmanager
def served(source: str, upstream: Path, patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve simulated sessions as Allen's bucket does and give the settings that read them by ranges."""
    if source == "allen_vc":
        with serve_coding_bucket(upstream, patch):
            yield "{mode: s3, ranges: true}"
        return
    with serve_bucket(patch) as bucket:
        bucket.publish(upstream, "0.5.0")
        yield f"{{mode: s3, endpoint: '{bucket.endpoint}', ranges: true}}"


def measure(source: str, home: Path, read: str, patch: pytest.MonkeyPatch) -> None:
    """Make what reads upstream of the one session and print what came for each asset."""
    home.mkdir()
    (home / "sources.yaml").write_text(f"{source}:\n  also_assets: [mean_waveforms]\n  read: {read}\n")
    platform = Platform(load_settings(home))
    store_manifest(platform.store, platform.source(source).manifest(), "1")
    plan, manifest = SourcePlan(platform, source), platform.manifest(source)
    (session_id,) = manifest.session_ids
    n_bytes = float(manifest.session(session_id).of_group("spikes")["size"].sum())
    answers = counted_answers(patch)
    reading = {name for name, asset in plan.assets.items() if asset.groups}
    needed = reading.union(*(ancestors(plan.assets, name) for name in reading))
    came: dict[str, tuple[int, int]] = {}
    for name in plan.assets:
        if name in needed:
            answers.clear()
            make_session_asset(platform, source, session_id, name)
            came |= {name: (sum(answers), len(answers))} if answers else {}
    from nh_platform.reading.opening import open_store

    spikes = open_store(home).session(source, session_id).spikes
    n_units, (first, last) = spikes.n_units, spikes.time_range
    implied = session_size(manifest.session(session_id), n_units).n_spikes
    print(
        f"{source}: file of {n_bytes / 1e6:.1f} MB, {len(spikes.times):,} spikes ({implied:,.0f} implied by its size), "
        f"{n_units} units, {last - first:.0f} s"
    )
    came["all, each once"] = (sum(one for one, _ in came.values()), sum(n for _, n in came.values()))
    for name, (taken, n_requests) in came.items():
        print(
            f"  {name}: {taken / 1e6:.2f} MB ({taken / n_bytes:.1%}) in {n_requests} requests; {taken / implied:.2f} "
            f"bytes per implied spike, {taken / n_units:,.0f} per unit, {taken / (last - first):,.0f} per second",
            flush=True,
        )


def counted_answers(patch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the bytes of each answer with a part of an NWB file from now on."""
    from botocore.client import BaseClient

    answers: list[int] = []
    call = BaseClient._make_api_call

    def counted(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        answer = call(self, operation, arguments)
        if operation == "GetObject" and arguments["Key"].endswith(".nwb"):
            answers.append(int(answer["ContentLength"]))
        return answer

    patch.setattr(BaseClient, "_make_api_call", counted)
    return answers


if __name__ == "__main__":
    main()
