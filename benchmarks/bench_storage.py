"""What the assets of a session of the size of a real insertion take on disk: per spike, per unit and per session.

Contains one run per source that makes every asset of a session into an empty store. What it prints are the coefficients
of ``nh_platform/planning/measured_sizes.yaml``, by which `nh backfill --dry-run` estimates.

Run: ``python -m benchmarks.bench_storage`` (5 minutes, 3 GB); ``--source allen_vbn`` for one source.
"""

from __future__ import annotations

import argparse

from benchmarks.chain_shares import one_session
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import SIZES

SOURCES = ("allen_vbn", "allen_vc", "ibl")
ALSO = {"ibl": ("spike_events", "window_embeddings"), "allen_vc": ("mean_waveforms",), "allen_vbn": ("mean_waveforms",)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=sorted(SIZES), default="benchmark")
    parser.add_argument("--source", choices=SOURCES, nargs="*", default=SOURCES)
    asked = parser.parse_args()
    for source in asked.source:
        with one_session(source, asked.size, ALSO[source]) as (plan, session_id):
            print_sizes(plan, session_id)


def print_sizes(plan: SourcePlan, session_id: str) -> None:
    """Print the bytes of each asset of a session that is made: in all, per spike and per unit."""
    from nh_platform.reading.opening import open_store

    view = open_store(plan.platform.settings.home).session(plan.source, session_id)
    spikes = view.spikes
    n_spikes, n_units = len(spikes.times), spikes.n_units
    first, last = spikes.time_range
    files = plan.platform.manifest(plan.source).session(session_id).files
    raw = float(files["size"].sum())
    print(f"{plan.source}: {n_spikes} spikes, {n_units} units, {last - first:.0f} s, {raw / 1e6:.1f} MB upstream")
    folder = plan.platform.store.root / plan.source / session_id
    for name in plan.assets:
        n_bytes = sum(path.stat().st_size for path in (folder / name).rglob("*") if path.is_file())
        print(
            f"  {name}: {n_bytes} bytes, {n_bytes / n_spikes:.4f} per spike, {n_bytes / n_units:.0f} per unit",
            flush=True,
        )


if __name__ == "__main__":
    main()
