"""How many windows of 1 s a second come through two worker processes, and how much memory the workers grow.

Contains one run for counts and one for spike events of a simulated session of the size of an insertion (700 units,
70 min), under every start method, beside torch_brain's sampler, dataset and `DataLoader` on the same windows. Every
window has as many spikes on both sides before a figure is printed.

Run: ``python -m benchmarks.bench_loader_workers`` (10 minutes, 4 GB) where the extra ``train`` is installed; the
environment of torch_brain is made first, 2 minutes. ``--epochs 10`` for a longer run.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.aims import Aims
from benchmarks.worker_epochs import Epoch, timed_epochs

# What else is imported is so within functions: a spawned worker imports this module again.

AIM, MOST_GROWTH_MIB, MOST_MOVED = 3.0, 4.0, 1e-4
BATCH_SIZE, N_WORKERS = 32, 2
METHODS = ("fork", "forkserver", "spawn")
ASSET = "spike_events"


def main() -> None:
    from benchmarks.chain_shares import one_session
    from nh_platform.load import WindowSet
    from nh_platform.reading import SessionView

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each run; the first one starts the workers")
    parser.add_argument("--size", choices=["benchmark", "demo"], default="benchmark")
    asked, aims = parser.parse_args(), Aims()
    with one_session("ibl", asked.size, also=[ASSET]) as (plan, session_id), tempfile.TemporaryDirectory() as made:
        session = SessionView(plan.platform.store, "ibl", session_id)
        for kind in ("counts", "events"):
            windows = WindowSet(session, "continuous-1s", kind=kind)
            theirs = torch_brain_epochs(windows, kind, asked.epochs, Path(made))
            print(f"{kind}: {len(windows)} windows, batches of {BATCH_SIZE}, {N_WORKERS} workers")
            peer = say("torch_brain 0.2.1, fork", theirs, len(windows))
            say("here, without workers", own_epochs(windows, None, asked.epochs), len(windows))
            for method in METHODS:
                found = say(f"here, {method}", own_epochs(windows, method, asked.epochs), len(windows))
                aims.at_least(f"{kind}, {method}, windows a second", found[0] / peer[0], AIM)
                aims.at_least(f"{kind}, {method}, windows of a CPU second", found[1] / peer[1], AIM)
                aims.at_most(f"{kind}, {method}, growth of a worker, epoch 1 to 3", found[2], MOST_GROWTH_MIB, "MiB")
    aims.finish()


def own_epochs(windows: Any, method: str | None, n_epochs: int) -> list[Epoch]:
    """Return the epochs of the loader here; ``method`` starts the workers, without it there are none."""
    from nh_platform.load import Batches
    from nh_platform.load.torch_adapters import TrainLoader

    options = {} if method is None else {"num_workers": N_WORKERS, "multiprocessing_context": method}
    return timed_epochs(TrainLoader(Batches(windows, BATCH_SIZE, seed=0), **options), n_epochs)


def own_spikes(windows: Any) -> dict[float, int]:
    """Return the spikes of every window by its start (s)."""
    from nh_platform.load import Batches

    found: dict[float, int] = {}
    for batch in Batches(windows, BATCH_SIZE):
        held = batch.spike_mask.sum(1) if batch.counts is None else batch.counts.sum((1, 2), dtype=np.int64)
        found |= dict(zip(batch.start.tolist(), held.tolist(), strict=True))
    return found


def torch_brain_epochs(windows: Any, kind: str, n_epochs: int, folder: Path) -> list[Epoch]:
    """Return the epochs of torch_brain, after its windows had the same spikes."""
    from benchmarks.peers import run_in_peer

    (part,) = windows.parts
    spikes = part.open()
    given, target = folder / "input.npz", folder / "output.json"
    np.savez(
        given,
        times=spikes.times,
        unit_index=spikes.unit_row,
        n_units=len(part.unit_ids),
        starts=part.start,
        stop=max(np.ceil(spikes.times[-1]) + 1, part.stop[-1]),
        batch_size=BATCH_SIZE,
        n_workers=N_WORKERS,
        n_epochs=n_epochs,
    )
    run_in_peer("torch_brain", Path(__file__).with_name("peer_torch_brain_loader.py"), kind, given, target)
    found = json.loads(target.read_text(encoding="utf-8"))
    theirs, ours = dict(found["n_spikes"]), own_spikes(windows)
    assert theirs.keys() == ours.keys(), "the windows are others"
    moved, total = sum(abs(theirs[start] - n) for start, n in ours.items()), sum(ours.values())
    print(f"{kind}: {moved} of {total:,} spikes are in another window there")
    assert moved <= total * MOST_MOVED
    return [Epoch(**one) for one in found["epochs"]]


def say(who: str, epochs: list[Epoch], n_windows: int) -> tuple[float, float, float]:
    """Print the epochs; return windows a second and of a CPU second in the median epoch, and the growth in MiB."""
    later = epochs[1:]
    per_second = n_windows / float(np.median([one.wall_s for one in later]))
    per_cpu_s = n_windows / float(np.median([one.cpu_s for one in later]))
    third = epochs[min(2, len(epochs) - 1)].worker_mib
    growth = max((third[pid] - mib for pid, mib in epochs[0].worker_mib.items()), default=0.0)
    sizes = [f"{max(one.worker_mib.values()):.1f}" for one in epochs if one.worker_mib]
    workers = f"largest worker {', '.join(sizes)} MiB; " if sizes else ""
    print(
        f"  {who}: {per_second:,.0f} windows a second, {per_cpu_s:,.0f} of a CPU second; first epoch "
        f"{epochs[0].wall_s:.2f} s with {epochs[0].first_s:.2f} s until its first batch, later ones "
        f"{', '.join(f'{one.wall_s:.2f}' for one in later)} s; {workers}"
        f"load {os.getloadavg()[0]:.1f}"
    )
    return per_second, per_cpu_s, growth


if __name__ == "__main__":
    main()
